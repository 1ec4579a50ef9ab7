from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from training.toys import Linear, Normed, blobs, solver

from handgrad.data.preprocess import Standardize
from handgrad.models import FullyConnectedNet, build
from handgrad.training import CheckpointError, checkpoint, load_checkpoint, load_params


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkpoint in mid epoch."""
    solver(Normed(), checkpoint_name=tmp_path / "run").train(8)
    return tmp_path / "run"


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def arrays_file(folder: Path) -> Path:
    (path,) = folder.glob("arrays-*.safetensors")
    return path


class TestWriting:
    def test_two_files_and_no_pickle(self, folder: Path) -> None:
        names = sorted(path.name for path in folder.iterdir())
        assert len(names) == 2
        assert names[0].startswith("arrays-8-")
        assert names[0].endswith(".safetensors")
        assert names[1] == "state.json"
        assert b"pickle" not in b"".join(content(folder).values())
        assert json.loads((folder / "state.json").read_text())["format"] == "handgrad checkpoint"

    def test_when(self, tmp_path: Path) -> None:
        written = []

        def look(record: dict) -> None:
            if record["event"] == "iteration":
                written.append([int(path.name.split("-")[1]) for path in tmp_path.glob("arrays-*")])

        ours = solver(checkpoint_name=tmp_path, logger=look)
        ours.train()
        assert written == [[]] * 6 + [[6]] * 6 + [[12]] * 6
        assert arrays_file(tmp_path).name.startswith("arrays-18-")
        ours.train(2)
        assert arrays_file(tmp_path).name.startswith("arrays-20-")

    def test_every_so_many_iterations(self, tmp_path: Path) -> None:
        seen = set()
        solver(
            checkpoint_name=tmp_path,
            checkpoint_every=5,
            logger=lambda record: seen.update(path.name.split("-")[1] for path in tmp_path.glob("arrays-*")),
        ).train()
        assert seen == {"5", "10", "15"}

    def test_a_tree_comes_back_as_it_was(self, tmp_path: Path) -> None:
        tree = {
            "numbers": [1, 2.5, 0.1 + 0.2, 1e-320, float("inf"), True, None, 10**40],
            "nan": float("nan"),
            "text": "é\n\"'",
            "slashes": {"a/b": np.arange(2), "a": {"b": np.arange(3)}, "a%2Fb": np.arange(4)},
            "arrays": [np.float32(0.1), np.zeros((0, 3)), np.array([True, False]), np.array(7, np.int16)],
            "turned": np.arange(6.0).reshape(2, 3).T,
            "strange": np.array([np.nan, -0.0, np.inf]),
        }
        checkpoint.write(tmp_path, 3, tree)
        again = checkpoint.read(tmp_path)
        assert again["numbers"] == tree["numbers"]
        assert np.isnan(again["nan"])
        assert again["text"] == tree["text"]
        assert [len(again["slashes"][k]) for k in ("a/b", "a%2Fb")] == [2, 4]
        assert len(again["slashes"]["a"]["b"]) == 3
        assert type(again["arrays"][0]) is np.float32
        assert [a.shape for a in again["arrays"]] == [(), (0, 3), (2,), ()]
        np.testing.assert_array_equal(again["turned"], tree["turned"])
        assert again["strange"].tobytes() == tree["strange"].tobytes()
        assert again["turned"].flags.writeable

    @pytest.mark.parametrize("value", [{1, 2}, 1j, object(), np.array(["a"]), np.array([1j])])
    def test_what_it_cannot_hold(self, tmp_path: Path, value: Any) -> None:
        with pytest.raises(TypeError, match=r"a checkpoint cannot hold model/what, which is a"):
            checkpoint.write(tmp_path, 1, {"model": {"what": value}})
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("fails", [".safetensors", ".json"])
    def test_a_full_disk_leaves_the_checkpoint_before(
        self, folder: Path, fails: str, monkeypatch: Any
    ) -> None:
        before = load_params(folder, "last")
        write_bytes = Path.write_bytes

        def full(self: Path, data: bytes) -> int:
            if self.suffix != fails:
                return write_bytes(self, data)
            write_bytes(self, data[: len(data) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        ours = solver(Normed(), checkpoint_name=folder, resume=True)
        with monkeypatch.context() as patch:
            patch.setattr(Path, "write_bytes", full)
            patch.setattr(Path, "write_text", lambda self, text, encoding: full(self, text.encode(encoding)))
            message = (
                rf"^checkpoint '{folder}' cannot be written \(the one before is whole\): "
                "No space left on device$"
            )
            with pytest.raises(OSError, match=message) as refusal:
                ours.train()
        assert refusal.value.errno == errno.ENOSPC
        for name, w in load_params(folder, "last").items():
            np.testing.assert_array_equal(w, before[name])
        assert not [path for path in folder.iterdir() if path.name.startswith(".")]
        ours.train()  # there is room again
        assert load_checkpoint(folder).iteration == 18
        assert len(list(folder.iterdir())) == 2

    def test_what_a_killed_process_left_is_removed(self, folder: Path) -> None:
        for name in (".arrays-9-abc-x1.safetensors", ".state-x2.json", "arrays-1-00.safetensors"):
            (folder / name).write_text("half")
        (folder / "notes.txt").write_text("keep")
        solver(Normed(), checkpoint_name=folder, resume=True).train()
        assert len(list(folder.iterdir())) == 3
        assert (folder / "notes.txt").exists()

    def test_a_folder_that_cannot_be_written_is_refused_before_training(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        for name in ("file", "file/below"):
            with pytest.raises(OSError, match=rf"^checkpoint folder '.*{name}' cannot be written: "):
                solver(checkpoint_name=tmp_path / name)

    def test_a_folder_without_permission(self, tmp_path: Path, monkeypatch: Any) -> None:
        """Simulated, since to the superuser, who runs tests in containers, every folder is open."""

        def refuse(*args: Any, **kwargs: Any) -> None:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

        monkeypatch.setattr("tempfile.mkstemp", refuse)
        with pytest.raises(PermissionError, match=r"cannot be written: Permission denied$"):
            solver(checkpoint_name=tmp_path)


class TestReading:
    def test_best_and_last(self, tmp_path: Path) -> None:
        ours = solver(Normed(), optim_config={"learning_rate": 1.0}, num_epochs=8, checkpoint_name=tmp_path)
        ours.train()
        found = load_checkpoint(tmp_path)
        assert (found.iteration, found.epoch) == (48, 8)
        assert found.best_val_acc == ours.best_val_acc
        assert found.loss_history == ours.loss_history
        assert found.val_acc_history == ours.val_acc_history
        assert found.settings["batch_size"] == 10
        best, last = Normed(seed=3), Normed(seed=3)
        found.apply(best)
        found.apply(last, "last")
        probe = solver(best)
        assert probe.check_accuracy(ours.X_val, ours.y_val) == ours.best_val_acc
        probe.model = last
        assert probe.check_accuracy(ours.X_val, ours.y_val) == ours.val_acc_history[-1]
        assert ours.val_acc_history[-1] < ours.best_val_acc
        np.testing.assert_array_equal(load_params(tmp_path)["W"], best.params["W"])
        np.testing.assert_array_equal(load_params(tmp_path, "last")["W"], last.params["W"])

    def test_a_model_of_ours_can_be_made_again(self, tmp_path: Path) -> None:
        net = FullyConnectedNet([20], 48, 3, normalization="batchnorm", seed=0)
        prepare = Standardize.fit(blobs()["X_train"], scale=True)
        ours = solver(net, preprocess=prepare, checkpoint_name=tmp_path)
        ours.train()
        found = load_checkpoint(tmp_path)
        again = build(found.model)
        found.apply(again)
        X = Standardize.from_arrays(found.preprocess)(ours.X_val)
        np.testing.assert_array_equal(again.loss(X), net.loss(prepare(ours.X_val)))

    def test_what_does_not_fit_changes_nothing(self, folder: Path) -> None:
        model = Linear()
        before = model.params["W"].copy()
        with pytest.raises(CheckpointError, match=f"checkpoint '{folder}' has parameter 'gamma', which this"):
            load_checkpoint(folder).apply(model)
        np.testing.assert_array_equal(model.params["W"], before)
        with pytest.raises(ValueError, match="which must be 'best' or 'last', got 'first'"):
            load_params(folder, "first")

    def test_its_text_is_short(self, folder: Path) -> None:
        assert len(repr(load_checkpoint(folder))) < 2000


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(bytes(data))


def rename_arrays(folder: Path, **changes: Any) -> None:
    path = folder / "state.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


DAMAGES = [
    (lambda f: cut(arrays_file(f)), r"is damaged: arrays-8-.* is not as it was written"),
    (lambda f: flip_a_bit(arrays_file(f)), r"is damaged: arrays-8-.* \(its SHA-256 differs\)"),
    (lambda f: arrays_file(f).write_bytes(b""), r"is damaged: arrays-8-.* is not as it was written"),
    (lambda f: arrays_file(f).unlink(), r"is damaged: arrays-8-.*safetensors is missing"),
    (lambda f: cut(f / "state.json"), "is damaged: Expecting"),
    (lambda f: (f / "state.json").write_bytes(b"\x80\x04\x95\xff"), "is damaged: 'utf-8' codec can't decode"),
    (lambda f: (f / "state.json").write_text(""), "is damaged: Expecting value"),
    (lambda f: (f / "state.json").write_text("[1]"), "is not the state of a handgrad checkpoint"),
    (lambda f: (f / "state.json").write_text("{}"), "is not the state of a handgrad checkpoint"),
    (lambda f: rename_arrays(f, version=2), "has format version 2, but this Handgrad reads 1"),
    (lambda f: rename_arrays(f, arrays="../../etc/passwd"), "is not the name of a file beside state.json"),
    (lambda f: rename_arrays(f, arrays=3), "is damaged: "),
    (lambda f: rename_arrays(f, arrays=""), "is damaged: "),
    (lambda f: rename_arrays(f, sha256=None), "is not as it was written"),
    (lambda f: rename_arrays(f, state={}), "is damaged: '.*' is missing"),
    (lambda f: rename_arrays(f, state=None), "is damaged: "),
    (lambda f: rename_arrays(f, state={"params": {"__array__": "no"}}), "is damaged: 'no' is missing"),
]


@pytest.mark.parametrize(("damage", "message"), DAMAGES)
def test_damage_is_one_sentence(folder: Path, damage: Any, message: str) -> None:
    damage(folder)
    with pytest.raises(CheckpointError, match=message) as refusal:
        load_checkpoint(folder)
    assert str(folder) in str(refusal.value)
    assert "\n" not in str(refusal.value)
    with pytest.raises(CheckpointError, match=message):
        solver(Normed(), checkpoint_name=folder, resume=True)


def test_a_file_that_is_no_safetensors_though_its_hash_is_right(folder: Path) -> None:
    """Made by hand: what is not safetensors is refused as well, a pickle too, and nothing in it is run."""
    import hashlib
    import pickle

    for payload in (b"no tensors", pickle.dumps(os.system), b"\xff" * 100):
        arrays_file(folder).write_bytes(payload)
        rename_arrays(folder, sha256=hashlib.sha256(payload).hexdigest())
        with pytest.raises(CheckpointError, match=r"is damaged: arrays-8-.*safetensors: "):
            load_checkpoint(folder)


def test_no_folder_and_a_file_for_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for name in ("none", "file"):
        with pytest.raises(
            CheckpointError, match=f"there is no checkpoint at '.*{name}': it has no state.json"
        ):
            load_checkpoint(tmp_path / name)


def test_nothing_is_read_as_a_pickle() -> None:
    """No module of training knows how to."""
    source = Path(checkpoint.__file__).parent
    for path in source.glob("*.py"):
        text = path.read_text()
        assert "import pickle" not in text
        assert "allow_pickle" not in text
