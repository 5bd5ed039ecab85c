"""The content this project ships keeps the promises of data/README.md."""

import re
from collections import Counter

from configs.schema import PROJECT_ROOT
from indexes.content.check import check_data, render
from indexes.content.check_rules import PROMISED
from indexes.content.lexicon import Lexicon
from indexes.content.splits import split_of
from indexes.content.taxonomy import Taxonomy

DATA = PROJECT_ROOT / "data"


def test_the_data_check_finds_no_problem() -> None:
    report = check_data(DATA, rules=PROMISED)
    assert not report.problems, render(report)


def test_the_readme_gives_the_figures_of_the_check() -> None:
    readme = (DATA / "README.md").read_text(encoding="utf-8")
    shown = {name: int(value.replace(",", "")) for name, value in re.findall(r"^\| (.+?) \| ([\d,]+) \|$", readme, re.M)}
    figures = check_data(DATA, rules=PROMISED).figures
    assert shown
    assert shown == {name: figures[name] for name in shown}


def test_the_lexicon_reads_and_knows_every_emotion() -> None:
    taxonomy = Taxonomy.read(DATA / "taxonomy.yaml")
    lexicon = Lexicon.read(DATA / "lexicons", taxonomy)
    said = {"急死我了": "anxious", "太失望了": "disappointed", "气死我了": "anger", "吓死我了": "fear"}
    assert {text: (lexicon.emotion((text,), text) or ("", 0))[0] for text in said} == said
    rows = (DATA / "lexicons" / "emotion_words.tsv").read_text(encoding="utf-8").splitlines()[1:]
    assert Counter(row.split("\t")[1] for row in rows).keys() == set(taxonomy.comfort_emotion_ids)
    assert len(rows) >= 800


def test_splits_never_change() -> None:
    names = ('no_shipment-01', 'no_shipment-08', 'lost_parcel-06', 'no_shipment-05', 'no_shipment-06')
    assert [split_of(name) for name in names] == ["train", "dev", "dev", "test", "test"]
