"""Publishing on a small but real system: it adds, takes back, refuses without a trace, and survives being cut short."""

import hashlib
import os
import shutil
import threading
from pathlib import Path

import pytest
import torch
from filelock import FileLock

from configs.schema import PROJECT_ROOT, AppConfig
from graph.content import Content
from graph.errors import InputError
from graph.pipeline import build_artifacts, mark_built, stale_steps
from graph.places import LOCK, Places
from graph.publish import publish, rollback
from graph.rehearsal import Rehearsal
from graph.releases import RECORD, RELEASES, released
from indexes.build import build_index
from indexes.knowledge_index import KnowledgeIndex
from indexes.mining.drafts import Draft, DraftFolder
from indexes.versions import IndexVersions
from models.encoder import SentenceEncoder, SWEMEncoder
from models.text.segment import segmenter_version
from models.text.vocabulary import Vocabulary
from tests.small import TRAIN, sample

REPLY = (
    "线上估好的价，人到门口就变了，换谁都窝火。旧机还在手里的话可以先拒绝这次回收，把估价截图和现场报价都留好，"
    "在订单里申请复核或请平台客服介入。"
)


def draft(draft_id: str = "0a1b2c3d", **changes: object) -> Draft:
    values = {
        "id": draft_id,
        "status": "approved",
        "topic": "misleading_promotion",
        "emotions": ("anger", "aggrieved", "disappointed", "anxious", "abuse"),
        "question": "旧手机上门回收被当面压价，气死我了",
        "paraphrases": (
            "估好的六百到门口变一百，太坑了",
            "师傅张嘴就砍一半，火大",
            "说抵五百结果只给八十",
            "线上一个价上门一个价，坑人",
        ),
        "hard_negatives": ("旧机回收在哪里预约", "换新补贴要怎么领"),
        "reply": REPLY,
    }
    return Draft.model_validate({**values, **changes})


@pytest.fixture
def config(small_config: AppConfig, tmp_path: Path) -> AppConfig:
    """The small system as a copy of its own; unchanged files are shared."""
    data, artifacts = tmp_path / "data", tmp_path / "artifacts"
    shutil.copytree(small_config.data, data, copy_function=os.link)
    shutil.copytree(small_config.artifacts, artifacts, copy_function=os.link)
    return small_config.model_copy(update={"data": data, "artifacts": artifacts})


@pytest.fixture
def drafts(tmp_path: Path) -> DraftFolder:
    folder = DraftFolder(tmp_path / "drafts")
    folder.add([draft(), draft("ffffffff", status="draft", question="另一件事")])
    return folder


@pytest.fixture(scope="module")
def plain_config(tmp_path_factory: pytest.TempPathFactory) -> AppConfig:
    """The small system with an encoder that has learned nothing, and without any other model."""
    folder = tmp_path_factory.mktemp("plain")
    train = folder / "train.yaml"
    train.write_text(TRAIN, encoding="utf-8")
    config = AppConfig(artifacts=folder / "artifacts", data=folder / "data", train=train, device="cpu", compiled=False)
    sample(PROJECT_ROOT / "data", config.data)
    for part in ("embeddings", "emotion", "topic", "matcher", "wsm"):
        (config.artifacts / "models" / part).mkdir(parents=True)
    build_with_encoder(config, seed=0)
    mark_built(config)
    return config


@pytest.fixture
def plain(plain_config: AppConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AppConfig:
    """That as a copy of its own, on which publishing rehearses nothing."""
    data, artifacts = tmp_path / "data", tmp_path / "artifacts"
    shutil.copytree(plain_config.data, data, copy_function=os.link)
    shutil.copytree(plain_config.artifacts, artifacts, copy_function=os.link)
    monkeypatch.setattr(Rehearsal, "run", lambda *_: [])
    return plain_config.model_copy(update={"data": data, "artifacts": artifacts})


def build_with_encoder(config: AppConfig, *, seed: int) -> None:
    """Encoder and index as a training would leave them."""
    torch.manual_seed(seed)
    sizes = {"n_words": 2, "n_chars": 2, "width": 4, "n_tuned_words": 0, "n_tuned_chars": 0}
    nothing = Vocabulary([])
    encoder = SentenceEncoder(
        model=SWEMEncoder(**sizes), model_config=sizes, words=nothing, chars=nothing, segmenter=segmenter_version()
    )
    encoder.save(Places(config.artifacts).encoder)
    content = Content(config.data)
    build_index(
        Places(config.artifacts).index, knowledge=content.knowledge, segmenter=content.processor, encoder=encoder
    )


def state(config: AppConfig) -> tuple[str, str, str]:
    """What publishing may change: the written knowledge, the index in use, the pipeline's manifest."""
    files = sorted((config.data / "knowledge").iterdir())
    written = hashlib.sha256(b"".join(path.name.encode() + path.read_bytes() for path in files)).hexdigest()
    manifest = (config.artifacts / "manifest.json").read_text(encoding="utf-8")
    return written, IndexVersions(Places(config.artifacts).index).current, manifest


def test_what_is_approved_comes_into_use_and_can_be_taken_back(config: AppConfig, drafts: DraftFolder) -> None:
    before = state(config)
    done = publish(config, drafts)
    (entry_id,) = done.entries
    assert entry_id.startswith("misleading_promotion-")
    index = KnowledgeIndex.open(Places(config.artifacts).index, segmenter=segmenter_version())
    assert index.manifest.version == done.index_version != before[1]
    knowledge = Content(config.data).knowledge
    assert index.manifest.knowledge == knowledge.digest
    entry = knowledge.get(entry_id)
    assert entry is not None
    assert entry.question == draft().question
    assert (drafts.get("0a1").status, drafts.get("0a1").entry) == ("published", entry_id)
    assert drafts.get("fff").status == "draft"
    assert stale_steps(config) == []
    with pytest.raises(InputError, match="no approved draft"):
        publish(config, drafts)

    assert rollback(config).entries == done.entries
    assert state(config) == before
    assert (drafts.get("0a1").status, drafts.get("0a1").entry) == ("approved", "")
    with pytest.raises(InputError, match="nothing was published"):
        rollback(config)


def test_cut_short_in_the_middle_the_old_version_stays_live_and_is_restored(
    config: AppConfig, drafts: DraftFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state(config)

    def power_cut(self: IndexVersions, version: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(IndexVersions, "switch", power_cut)
        with pytest.raises(KeyboardInterrupt):
            publish(config, drafts)
    assert state(config)[1] == before[1]
    assert state(config)[0] != before[0]
    with pytest.raises(InputError, match="nothing was published"):
        rollback(config)
    assert state(config) == before
    assert drafts.get("0a1").status == "approved"


def test_a_build_first_undoes_what_was_cut_short(
    plain: AppConfig, drafts: DraftFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state(plain)

    def power_cut(self: DraftFolder, draft_id: str, **fields: object) -> Draft:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(DraftFolder, "change", power_cut)
        with pytest.raises(KeyboardInterrupt):
            publish(plain, drafts)
    drafts.change("0a1", status="rejected")
    assert state(plain) != before
    assert build_artifacts(plain) == []
    assert state(plain) == before
    assert drafts.get("0a1").status == "rejected"


def test_there_is_no_way_back_to_an_index_of_another_encoder(plain: AppConfig, drafts: DraftFolder) -> None:
    (entry_id,) = publish(plain, drafts).entries
    build_with_encoder(plain, seed=1)
    before = state(plain)
    with pytest.raises(InputError, match=f"trained again since .* take {entry_id} out of .* and run `train all`"):
        rollback(plain)
    assert state(plain) == before
    assert drafts.get("0a1").status == "published"


@pytest.mark.parametrize("change", [{"status": "rejected"}, {"status": "draft", "reply": REPLY + "我们陪您。"}])
def test_what_a_reviewer_does_meanwhile_is_not_lost(
    plain: AppConfig, drafts: DraftFolder, monkeypatch: pytest.MonkeyPatch, change: dict[str, str]
) -> None:
    before = state(plain)

    def meanwhile(*_: object) -> list[str]:
        DraftFolder(drafts.folder).change("0a1", **change)
        return []

    monkeypatch.setattr(Rehearsal, "run", meanwhile)
    with pytest.raises(InputError, match="draft 0a1b2c3d was changed while it was being published"):
        publish(plain, drafts)
    assert state(plain) == before
    assert drafts.get("0a1") == draft(**change)


def test_a_release_is_removed_whole_even_if_that_is_cut_short(
    plain: AppConfig, drafts: DraftFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state(plain)
    publish(plain, drafts)
    root = plain.artifacts / RELEASES
    remove = shutil.rmtree

    def power_cut(path: Path, ignore_errors: bool = False) -> None:
        if path.parent == root:
            (path / RECORD).unlink()
            raise KeyboardInterrupt
        remove(path, ignore_errors=ignore_errors)

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", power_cut)
        with pytest.raises(KeyboardInterrupt):
            rollback(plain)
    assert released(plain).published == []
    assert build_artifacts(plain) == []
    assert state(plain) == before
    done = publish(plain, drafts)
    assert released(plain).published == [list(done.entries)]
    assert sorted(path.name for path in root.iterdir()) == ["0001"]


def test_a_draft_that_breaks_a_rule_changes_nothing(config: AppConfig, drafts: DraftFolder) -> None:
    before = state(config)
    known = Content(config.data).knowledge.entries[0]
    drafts.change("0a1", question=known.question)
    with pytest.raises(InputError, match="is the same sentence as in"):
        publish(config, drafts)
    drafts.change("0a1", question=draft().question, reply="太短")
    with pytest.raises(InputError, match="reply of 2 characters"):
        publish(config, drafts)
    assert state(config) == before
    assert drafts.get("0a1").status == "approved"


def test_models_that_are_not_up_to_date_are_not_published_on(config: AppConfig, drafts: DraftFolder) -> None:
    path = config.data / "utterances" / "slow_delivery.tsv"
    text = path.read_text(encoding="utf-8") + "anxious\tslow_delivery\t等快递等得我坐立不安\n"
    path.unlink()  # shared with the other tests' copy
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="not up to date; run `train all` first"):
        publish(config, drafts)


def test_one_at_a_time(config: AppConfig) -> None:
    said: list[str] = []

    def second() -> None:
        try:
            rollback(config)
        except InputError as error:
            said.append(str(error))

    thread = threading.Thread(target=second)
    with FileLock(config.artifacts / LOCK):
        thread.start()
        thread.join(timeout=0.3)
        assert thread.is_alive()
        assert said == []
    thread.join(timeout=30)
    assert len(said) == 1
