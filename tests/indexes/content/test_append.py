"""Adding entries: new ids count on, what was written stays byte by byte, and the result reads back."""

from pathlib import Path

import yaml

from indexes.content.append import append_entries, next_ids
from indexes.content.knowledge import KnowledgeStore
from indexes.content.taxonomy import Taxonomy
from tests.indexes.sample_content import sample_entries


def test_ids_count_on_from_the_highest_of_each_topic() -> None:
    store = KnowledgeStore(sample_entries())
    topics = ["no_shipment", "poor_quality", "no_shipment"]
    assert next_ids(store, topics) == ["no_shipment-03", "poor_quality-01", "no_shipment-04"]


def test_entries_are_appended_and_read_back(tmp_path: Path, taxonomy: Taxonomy) -> None:
    first, *others = sample_entries()
    path = tmp_path / f"{first.topic}.yaml"
    written = "# by hand\n" + yaml.safe_dump([first.model_dump(mode="json")], allow_unicode=True)
    path.write_text(written, encoding="utf-8")
    changed = append_entries(tmp_path, others)
    assert [file.name for file in changed] == ["no_shipment.yaml", "slow_delivery.yaml", "urge_refund.yaml"]
    assert path.read_text(encoding="utf-8").startswith(written)
    assert KnowledgeStore.read(tmp_path, taxonomy).entries == tuple(sample_entries())
