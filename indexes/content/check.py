"""The data check: whether the written content as a whole is fit to be learned from and sent.

The readers refuse what the system cannot work with; this adds what only shows over all files together:
amounts, repetitions, leaks between the parts of the data, gaps in the replies, promises. It gathers every
problem instead of stopping at the first. `make check-data` runs it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from indexes.content.check_rules import CheckRules, reply_problems
from indexes.content.knowledge import KnowledgeEntry, KnowledgeStore
from indexes.content.lexicon import Lexicon
from indexes.content.replies import Reply, ReplyStore
from indexes.content.similar import char_ngrams, jaccard, similar_pairs
from indexes.content.source import ContentError
from indexes.content.splits import Split, comparison_key
from indexes.content.taxonomy import Taxonomy
from indexes.content.utterances import Utterance, UtteranceStore

_PUBLIC_SUFFIXES = (".tsv", ".txt")
_PUBLIC_MIN_CHARS = 4
"""Shorter sentences (谢谢) are everybody's."""
_StoreT = TypeVar("_StoreT")


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What the check found.

    Attributes:
        figures: counts by name, in the order to be shown.
        problems: one line each; empty if all is well.
    """

    figures: Mapping[str, int]
    problems: tuple[str, ...]


def check_data(folder: Path, *, rules: CheckRules | None = None, public: Path | None = None) -> CheckReport:
    """Checks everything under a data folder.

    Args:
        folder: holds taxonomy.yaml, utterances/, knowledge/, replies/ and lexicons/.
        rules: the limits; None for the defaults.
        public: a folder of public texts (*.tsv, *.txt, any depth) of which no sentence may stand in ours.

    Raises:
        ContentError: the taxonomy itself is broken; nothing else can be checked without it.
    """
    rules = rules or CheckRules()
    taxonomy = Taxonomy.read(folder / "taxonomy.yaml")
    problems: list[str] = []

    def read(reader: Callable[[Path, Taxonomy], _StoreT], name: str) -> _StoreT | None:
        try:
            return reader(folder / name, taxonomy)
        except ContentError as error:
            problems.append(str(error))
            return None

    utterance_store = read(UtteranceStore.read, "utterances")
    knowledge_store = read(KnowledgeStore.read, "knowledge")
    reply_store = read(ReplyStore.read, "replies")
    read(Lexicon.read, "lexicons")
    utterances = utterance_store.utterances if utterance_store else ()
    entries = knowledge_store.entries if knowledge_store else ()
    replies = reply_store.replies if reply_store else ()
    if utterance_store:
        problems += check_utterances(utterances, taxonomy, rules)
    if knowledge_store:
        problems += check_knowledge(entries, taxonomy, rules)
    if reply_store:
        problems += check_replies(replies, taxonomy, rules)
    problems += _in_two_splits(utterances, entries)
    if public is not None:
        problems += _in_public_texts(_places(utterances, entries, replies), public)
    return CheckReport(_figures(utterances, entries, replies), tuple(problems))


def render(report: CheckReport, *, max_problems: int = 60) -> str:
    """The report as text: the figures, then the problems, then their number."""
    lines = [f"{name:<40} {value:>7}" for name, value in report.figures.items()]
    lines += report.problems[:max_problems]
    hidden = len(report.problems) - max_problems
    if hidden > 0:
        lines.append(f"... and {hidden} more")
    return "\n".join([*lines, f"{len(report.problems)} problems"])


def check_utterances(utterances: Sequence[Utterance], taxonomy: Taxonomy, rules: CheckRules) -> Iterator[str]:
    """The problems of the labelled messages: too few, alike, or opening alike."""
    yield from _too_few("utterances", len(utterances), rules.min_utterances)
    emotions = Counter(utterance.emotion for utterance in utterances)
    topics = Counter(utterance.topic for utterance in utterances)
    for emotion in taxonomy.emotion_ids:
        yield from _too_few(f"utterances of emotion {emotion}", emotions[emotion], rules.min_utterances_per_emotion)
    for topic in taxonomy.topic_ids:
        yield from _too_few(f"utterances of topic {topic}", topics[topic], rules.min_utterances_per_topic)
    yield from _alike([(utterance.where, utterance.text) for utterance in utterances], rules)
    by_label: dict[str, list[str]] = defaultdict(list)
    for utterance in utterances:
        by_label[f"emotion {utterance.emotion}"].append(utterance.text)
        if utterance.topic is not None:
            by_label[f"topic {utterance.topic}"].append(utterance.text)
    for label, texts in by_label.items():
        yield from _openings(label, texts, rules, max_share=rules.max_opening_share)


def check_replies(replies: Sequence[Reply], taxonomy: Taxonomy, rules: CheckRules) -> Iterator[str]:
    """The problems of the replies: gaps, too short or long, promises, alike, or opening alike."""
    counts = Counter((reply.emotion, reply.topic) for reply in replies)
    for emotion in taxonomy.comfort_emotion_ids:
        yield from _too_few(f"general replies of emotion {emotion}", counts[emotion, None], rules.min_general_replies)
        for topic in taxonomy.topic_ids:
            name = f"replies of {emotion} and {topic}"
            yield from _too_few(name, counts[emotion, topic], rules.min_replies_per_combination)
    places = [(_reply_place(reply), reply.text) for reply in replies]
    for place, text in places:
        yield from reply_problems(text, place, chars=rules.reply_chars)
    yield from _alike(places, rules)
    for emotion in taxonomy.comfort_emotion_ids:
        texts = [reply.text for reply in replies if reply.emotion == emotion]
        yield from _openings(f"replies of {emotion}", texts, rules, max_share=rules.max_reply_opening_share)


def check_knowledge(entries: Sequence[KnowledgeEntry], taxonomy: Taxonomy, rules: CheckRules) -> Iterator[str]:
    """The problems of the knowledge: too little, thin entries, sentences alike, promises in replies."""
    yield from _too_few("knowledge entries", len(entries), rules.min_entries)
    topics = Counter(entry.topic for entry in entries)
    for topic in taxonomy.topic_ids:
        yield from _too_few(f"knowledge entries of topic {topic}", topics[topic], rules.min_entries_per_topic)
    for entry in entries:
        yield from _too_few(f"{entry.id}: paraphrases", len(entry.paraphrases), rules.min_paraphrases)
        yield from _too_few(f"{entry.id}: hard negatives", len(entry.hard_negatives), rules.min_hard_negatives)
        yield from _surfaces_alike(entry, rules)
        yield from reply_problems(entry.reply, entry.id, chars=rules.knowledge_reply_chars)
    sentences = [(entry.id, text) for entry in entries for text in (*entry.surfaces, *entry.hard_negatives)]
    yield from _same(sentences + [(entry.id, entry.reply) for entry in entries])
    yield from _openings(
        "knowledge replies",
        [entry.reply for entry in entries],
        rules,
        max_share=rules.max_reply_opening_share,
    )


def _too_few(what: str, count: int, least: int) -> Iterator[str]:
    if count < least:
        yield f"{what}: {count}; at least {least} are needed"


def _same(places: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Texts that are the same sentence."""
    first: dict[str, str] = {}
    for place, text in places:
        key = comparison_key(text)
        if key in first:
            yield f"{place}: {text!r} is the same sentence as in {first[key]}; keep one"
        first.setdefault(key, place)


def _alike(places: Sequence[tuple[str, str]], rules: CheckRules) -> Iterator[str]:
    """Texts that are the same sentence, or nearly."""
    yield from _same(places)
    distinct = list({comparison_key(text): (place, text) for place, text in places}.items())
    keys = [key for key, _ in distinct]
    for a, b, similarity in sorted(similar_pairs(keys, above=rules.max_similarity, n=rules.similarity_chars)):
        (place_a, text_a), (place_b, text_b) = distinct[a][1], distinct[b][1]
        yield f"{place_b}: {text_b!r} is too like {text_a!r} in {place_a} ({similarity:.2f}); reword one"


def _surfaces_alike(entry: KnowledgeEntry, rules: CheckRules) -> Iterator[str]:
    grams = [char_ngrams(comparison_key(text), 2) for text in entry.surfaces]
    for b, text in enumerate(entry.surfaces):
        for a in range(b):
            similarity = jaccard(grams[a], grams[b])
            if similarity > rules.max_surface_similarity:
                yield f"{entry.id}: {text!r} is too like {entry.surfaces[a]!r} ({similarity:.2f}); use others"


def _openings(label: str, texts: Sequence[str], rules: CheckRules, *, max_share: float) -> Iterator[str]:
    """Openings that stand on too many texts of one label."""
    limit = max(rules.min_opening_rows, int(len(texts) * max_share))
    counts = Counter(comparison_key(text)[: rules.opening_chars] for text in texts)
    for opening, count in counts.most_common():
        if count <= limit:
            return
        yield f"{label}: {count} of {len(texts)} texts open with {opening!r}; at most {limit} may"


def _in_two_splits(utterances: Iterable[Utterance], entries: Iterable[KnowledgeEntry]) -> Iterator[str]:
    """Sentences that one model may learn from and another be tested with."""
    seen: dict[str, tuple[Split, str]] = {}
    pieces = [(utterance.text, utterance.split, utterance.where) for utterance in utterances]
    for entry in entries:
        pieces += [(text, entry.split, entry.id) for text in (*entry.surfaces, *entry.hard_negatives)]
    for text, split, place in pieces:
        other_split, other_place = seen.setdefault(comparison_key(text), (split, place))
        if other_split != split:
            yield f"{place}: {text!r} is in {split}, and through {other_place} in {other_split}; reword one"


def _in_public_texts(places: Mapping[str, str], public: Path) -> Iterator[str]:
    """Our sentences that stand in a public file, as a line or as a cell."""
    files = [path for path in sorted(public.rglob("*")) if path.suffix in _PUBLIC_SUFFIXES]
    if not files:
        yield f"{public}: no {' or '.join(_PUBLIC_SUFFIXES)} file there; give the folder of the public texts"
    found = set()
    for path in files:
        with path.open(encoding="utf-8", errors="ignore") as lines:
            for line in lines:
                for cell in line.rstrip("\n").replace("|||", "\t").split("\t"):
                    key = comparison_key(cell)
                    if key in places and key not in found and len(key) >= _PUBLIC_MIN_CHARS:
                        found.add(key)
                        yield f"{places[key]}: stands in the public file {path.name}: {cell!r}; reword it"


def _places(
    utterances: Iterable[Utterance], entries: Iterable[KnowledgeEntry], replies: Iterable[Reply]
) -> dict[str, str]:
    """Where each of our sentences stands, by its key."""
    places = {comparison_key(utterance.text): utterance.where for utterance in utterances}
    for entry in entries:
        texts = (*entry.surfaces, *entry.hard_negatives, entry.reply)
        places |= {comparison_key(text): entry.id for text in texts}
    return places | {comparison_key(reply.text): _reply_place(reply) for reply in replies}


def _reply_place(reply: Reply) -> str:
    return f"reply {reply.emotion}/{reply.topic or 'general'} {reply.text[:12]!r}"


def _figures(
    utterances: Sequence[Utterance], entries: Sequence[KnowledgeEntry], replies: Sequence[Reply]
) -> dict[str, int]:
    figures = {"utterances": len(utterances)}
    emotions = Counter(utterance.emotion for utterance in utterances)
    figures |= {f"utterances, {emotion}": count for emotion, count in sorted(emotions.items())}
    splits = Counter(utterance.split for utterance in utterances)
    figures |= {f"utterances, {split}": count for split, count in sorted(splits.items())}
    figures["topics with utterances"] = len({utterance.topic for utterance in utterances} - {None})
    figures["knowledge entries"] = len(entries)
    figures["knowledge surfaces"] = sum(len(entry.surfaces) for entry in entries)
    figures["knowledge hard negatives"] = sum(len(entry.hard_negatives) for entry in entries)
    figures["topics with knowledge"] = len({entry.topic for entry in entries})
    figures["replies"] = len(replies)
    figures["replies, general"] = sum(reply.topic is None for reply in replies)
    figures["emotion and topic pairs with replies"] = len({(r.emotion, r.topic) for r in replies if r.topic})
    return figures
