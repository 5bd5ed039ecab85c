"""How each artifact is made: the trainers of `models` fed with the content of `indexes`.

`graph.pipeline` decides which of these steps are needed; every one reads what it builds on from its place on disk.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from configs.schema import AppConfig
from graph.bars import Progress
from graph.content import Content
from graph.places import Places
from graph.thresholds import serving_threshold
from graph.train_file import TrainFile
from indexes.build import build_index
from indexes.content.taxonomy import NO_EMOTION
from indexes.pairs import training_pairs
from indexes.recall import HybridRecall
from indexes.tuning import TuningQuery, tuning_queries
from models.classifier import Classifier
from models.embeddings import Embeddings
from models.encoder import SentenceEncoder
from models.matcher import Matcher
from models.training.classification import train_classifier
from models.training.embeddings import load_pretrained, pretrained_file, train_embeddings
from models.training.encoder import train_encoder
from models.training.matching import train_matcher
from models.unsupervised import WSM


class Steps:
    """The steps of one build.

    Args:
        config: Names folders and the device.
        params: Hyperparameters.
        progress: Told what is going on, how many are done, of how many.
    """

    def __init__(self, config: AppConfig, params: TrainFile, progress: Progress) -> None:
        self._places = Places(config.artifacts)
        self._config = config
        self._params = params
        self._progress = progress
        self.content = Content(config.data)

    def embeddings(self) -> None:
        """Word and character vectors from every customer sentence, started from published ones."""
        file = pretrained_file()
        train_embeddings(
            self.content.texts(),
            segmenter=self.content.processor.version,
            pretrained=load_pretrained(file) if file else None,
            params=self._params.embeddings,
            progress=self._progress,
        ).save(self._places.embeddings)

    def emotion(self) -> None:
        """The emotion classifier."""
        train_classifier(
            train=self.content.emotions("train"),
            dev=self.content.emotions("dev"),
            labels=self.content.taxonomy.emotion_ids,
            embeddings=self._embeddings(),
            params=replace(self._params.emotion, device=self._config.device),
            what="emotion",
            progress=self._progress,
        ).save(self._places.emotion)

    def topic(self) -> None:
        """The topic classifier."""
        train_classifier(
            train=self.content.topics("train"),
            dev=self.content.topics("dev"),
            labels=(*self.content.taxonomy.topic_ids, NO_EMOTION),
            embeddings=self._embeddings(),
            params=replace(self._params.topic, device=self._config.device),
            what="topic",
            progress=self._progress,
        ).save(self._places.topic)

    def encoder(self) -> None:
        """The sentence encoder of the dense index."""
        train_encoder(
            train=self.content.queries("train"),
            dev=self.content.queries("dev"),
            negatives=self.content.hard_negatives("train"),
            embeddings=self._embeddings(),
            params=replace(self._params.encoder, device=self._config.device),
            progress=self._progress,
        ).save(self._places.encoder)

    def index(self) -> None:
        """Lucene, FAISS and the knowledge surfaces."""
        build_index(
            self._places.index,
            knowledge=self.content.knowledge,
            segmenter=self.content.processor,
            encoder=self._encoder(),
            progress=self._progress,
        )

    def matcher(self) -> None:
        """PBmatch, learned from the knowledge and what recall wrongly brings."""
        pairs = training_pairs(
            self._recall(), segmenter=self.content.processor, utterances=self.content.utterances.utterances
        )
        train_matcher(
            train=[(p.a, p.b, p.label) for p in pairs if p.split == "train"],
            dev=[(p.a, p.b, p.label) for p in pairs if p.split == "dev"],
            embeddings=self._embeddings(),
            encoder=self._encoder(),
            params=replace(self._params.matcher, device=self._config.device),
            progress=self._progress,
        ).save(self._places.matcher)

    def thresholds(self) -> None:
        """Those of PBmatch and of its understudy WSM, at the depth and behind the gates of service."""
        recall, segmenter = self._recall(), self.content.processor
        utterances = self.content.utterances.utterances
        queries = tuning_queries(recall, segmenter=segmenter, utterances=utterances, split="dev")
        passed = self._passed(recall, queries)
        matcher = Matcher.load(self._places.matcher, segmenter=segmenter.version, device=self._config.device)
        prepared, wsm = matcher.prepare(recall.knowledge.sentences), WSM(self._embeddings())

        def by_matcher(query: TuningQuery) -> NDArray[np.float32]:
            scores: NDArray[np.float32] = matcher.score([query.sentence], prepared, np.array([query.rows]))[0]
            return scores

        def by_wsm(query: TuningQuery) -> NDArray[np.float32]:
            return wsm.score(query.sentence, [recall.knowledge.surfaces[row].sentence for row in query.rows])

        precision = self._params.matcher.precision
        matcher.threshold = serving_threshold(queries, by_matcher, passed, precision=precision)
        wsm.threshold = serving_threshold(queries, by_wsm, passed, precision=precision)
        matcher.save(self._places.matcher)
        wsm.save(self._places.wsm)

    def _passed(self, recall: HybridRecall, queries: Sequence[TuningQuery]) -> list[NDArray[np.bool_]]:
        """For every query, which of its candidates come to be compared: the topic is probable, the emotion fits."""
        sentences = [query.sentence for query in queries]
        topic, emotion = self._classifier(self._places.topic), self._classifier(self._places.emotion)
        probable = topic.classify(sentences) >= self._config.thresholds.match_topic
        felt = [emotion.labels[column] for column in emotion.classify(sentences).argmax(axis=1)]
        column_of = {label: number for number, label in enumerate(topic.labels)}
        passed = []
        for number, query in enumerate(queries):
            entries = [recall.knowledge.entry_of(row) for row in query.rows]
            fits = [bool(probable[number, column_of[e.topic]]) and felt[number] in e.emotions for e in entries]
            passed.append(np.array(fits))
        return passed

    def _classifier(self, folder: Path) -> Classifier:
        return Classifier.load(folder, segmenter=self.content.processor.version, device=self._config.device)

    def _recall(self) -> HybridRecall:
        settings = self._config.recall
        return HybridRecall.open(
            self._places.index,
            encoder=self._encoder(),
            segmenter=self.content.processor.version,
            device=self._config.device,
            top_k=settings.top_k,
            depth=settings.depth,
        )

    def _embeddings(self) -> Embeddings:
        return Embeddings.load(self._places.embeddings, segmenter=self.content.processor.version)

    def _encoder(self) -> SentenceEncoder:
        return SentenceEncoder.load(
            self._places.encoder, segmenter=self.content.processor.version, device=self._config.device
        )
