from __future__ import annotations

import pickle
import tracemalloc

import numpy as np
import pytest
from data.fake_cifar import NAMES, archive, batch, batch_file, described, py2_file, write_batches

import handgrad.data.archive
from handgrad import data
from handgrad.data import cifar10


def expected(indices) -> tuple[np.ndarray, np.ndarray]:
    images, labels = zip(*[batch(index) for index in indices], strict=True)
    return np.concatenate(images).reshape(-1, 3, 32, 32), np.concatenate(labels)


def test_load(fake):
    got = data.load_cifar10(fake)
    for X, y, indices in ((got.X_train, got.y_train, range(5)), (got.X_test, got.y_test, [5])):
        want_X, want_y = expected(indices)
        np.testing.assert_array_equal(X, want_X)
        np.testing.assert_array_equal(y, want_y)
        assert (X.dtype, y.dtype) == (np.uint8, np.int64)
        assert X.flags.writeable
    assert got.X_val.shape == (0, 3, 32, 32)
    assert got.class_names[3] == "cat"
    assert got.source == str(fake / "cifar-10-batches-py")


class TestCoursesForm:
    def test_the_six_arrays(self, fake):
        got = data.get_CIFAR10_data(60, 15, 10, path=fake)
        X, y = expected(range(5))
        X_test, y_test = expected([5])
        mean = X[:60].mean(axis=0)
        for key, images in (("X_train", X[:60]), ("X_val", X[60:75]), ("X_test", X_test[:10])):
            assert got[key].dtype == np.float32
            np.testing.assert_array_equal(got[key], (images - mean).astype(np.float32))
        for key, labels in (("y_train", y[:60]), ("y_val", y[60:75]), ("y_test", y_test[:10])):
            np.testing.assert_array_equal(got[key], labels)
        assert list(got) == ["X_train", "y_train", "X_val", "y_val", "X_test", "y_test"]

    def test_without_the_mean(self, fake):
        got = data.get_CIFAR10_data(60, 15, 10, subtract_mean=False, path=fake, dtype=np.float64)
        assert got["X_val"].dtype == np.float64
        np.testing.assert_array_equal(got["X_val"], expected(range(5))[0][60:75])

    def test_more_than_there_are(self, fake):
        with pytest.raises(
            ValueError, match=r"must be at most the number of training images \(100\), got 95 \+ 6"
        ):
            data.get_CIFAR10_data(95, 6, 10, path=fake)
        with pytest.raises(
            ValueError, match=r"num_test must be at most the number of test images \(20\), got 21"
        ):
            data.get_CIFAR10_data(95, 5, 21, path=fake)
        with pytest.raises(ValueError, match=r"got 49000 \+ 1000"):
            data.get_CIFAR10_data(path=fake)

    def test_odd_numbers(self, fake):
        with pytest.raises(ValueError, match="num_validation must not be negative, got -1"):
            data.get_CIFAR10_data(60, -1, 10, path=fake)
        with pytest.raises(TypeError, match=r"num_training must be a whole number, got 60\.5"):
            data.get_CIFAR10_data(60.5, 1, 10, path=fake)
        with pytest.raises(
            ValueError, match="num_training must be at least 1 where the mean image is subtracted"
        ):
            data.get_CIFAR10_data(0, 10, 10, path=fake)
        with pytest.raises(TypeError, match="dtype must be float32 or float64, got int8"):
            data.get_CIFAR10_data(60, 10, 10, path=fake, dtype="int8")

    def test_memory_stays_near_what_is_returned(self, tmp_path):
        write_batches(tmp_path / "cifar-10-batches-py", count=200)
        tracemalloc.start()
        got = data.get_CIFAR10_data(900, 100, 100, path=tmp_path)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        returned = sum(array.nbytes for array in got.values())
        pickles = 1200 * 3072
        assert peak < returned + 3 * pickles  # a float64 copy of the images would be 8 of them


class TestFinding:
    def test_path_is_the_folder_or_its_parent(self, fake):
        folder = fake / "cifar-10-batches-py"
        assert (
            data.find_cifar10(fake) == data.find_cifar10(folder) == data.find_cifar10(str(folder)) == folder
        )

    def test_the_environment_variable(self, fake, monkeypatch):
        for place in (fake, fake / "cifar-10-batches-py"):
            monkeypatch.setenv("HANDGRAD_DATA", str(place))
            assert data.find_cifar10() == fake / "cifar-10-batches-py"

    @pytest.mark.parametrize("place", cifar10.COURSE_FOLDERS)
    def test_the_folders_of_the_courses(self, tmp_path, monkeypatch, place):
        write_batches(tmp_path / place / "cifar-10-batches-py", count=1)
        monkeypatch.chdir(tmp_path)
        assert (data.find_cifar10() / "test_batch").is_file()

    def test_the_cache(self):
        write_batches(data.cache_folder() / "cifar-10-batches-py", count=1)
        assert data.find_cifar10() == data.cache_folder() / "cifar-10-batches-py"

    def test_the_order(self, tmp_path, monkeypatch):
        places = ["path", "variable", "cs231n/datasets", "cs6353/datasets", "."]
        for count, place in enumerate(places, start=1):
            write_batches(tmp_path / place / "cifar-10-batches-py", count)
        write_batches(data.cache_folder() / "cifar-10-batches-py", 9)
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("HANDGRAD_DATA", "variable")
        assert len(data.load_cifar10("path").X_test) == 1
        assert len(data.load_cifar10().X_test) == 2
        monkeypatch.delenv("HANDGRAD_DATA")
        assert len(data.load_cifar10().X_test) == 3
        monkeypatch.chdir(data.cache_folder())
        assert len(data.load_cifar10().X_test) == 9

    def test_nowhere(self, monkeypatch):
        assert data.find_cifar10() is None
        monkeypatch.setenv("HANDGRAD_DATA", "")  # as good as not set
        assert data.find_cifar10() is None

    def test_nowhere_and_no_download(self):
        with pytest.raises(
            FileNotFoundError, match=r"must be on disk, .*cs231n/datasets.*handgrad.*kriz/cifar-10"
        ):
            data.load_cifar10(download=False)

    def test_nowhere_is_a_download_into_the_cache(self, monkeypatch, tmp_path):
        calls = []

        def download():
            calls.append(1)
            write_batches(tmp_path / "cifar-10-batches-py", count=1)
            return tmp_path / "cifar-10-batches-py"

        monkeypatch.setattr(cifar10, "download_cifar10", download)
        assert len(data.load_cifar10().X_train) == 5
        assert calls == [1]

    def test_a_named_place_without_the_data_is_an_error_and_no_download(self, tmp_path, monkeypatch):
        monkeypatch.setattr(cifar10, "download_cifar10", lambda: pytest.fail("asked for a download"))
        with pytest.raises(
            FileNotFoundError, match=r"path must name the folder cifar-10-batches-py, .*, got '.*nope'"
        ):
            data.load_cifar10(tmp_path / "nope")
        monkeypatch.setenv("HANDGRAD_DATA", str(tmp_path))
        with pytest.raises(FileNotFoundError, match="HANDGRAD_DATA must name the folder"):
            data.load_cifar10()

    def test_a_batch_is_missing(self, fake):
        (fake / "cifar-10-batches-py/data_batch_4").unlink()
        with pytest.raises(
            FileNotFoundError, match="must hold all batches of CIFAR-10, got none named data_batch_4"
        ):
            data.find_cifar10(fake)


class TestArchivePlacedByHand:
    @pytest.fixture
    def content(self, monkeypatch):
        content = archive()
        monkeypatch.setattr(cifar10, "CIFAR10", described(content))
        monkeypatch.setattr(handgrad.data.archive.unpack, "__defaults__", (described(content),))
        return content

    @pytest.mark.parametrize("place", ["", "cifar-10-batches-py"])
    def test_it_is_unpacked_where_it_lies(self, tmp_path, content, place):
        (tmp_path / place).mkdir(exist_ok=True)
        (tmp_path / place / "cifar-10-python.tar.gz").write_bytes(content)
        got = data.load_cifar10(tmp_path)
        np.testing.assert_array_equal(got.X_test.reshape(-1, 3072), batch(5, 2)[0])
        assert (tmp_path / place / "cifar-10-python.tar.gz").exists()

    def test_the_path_may_name_it(self, tmp_path, content):
        (tmp_path / "cifar-10-python.tar.gz").write_bytes(content)
        assert data.find_cifar10(tmp_path / "cifar-10-python.tar.gz") == tmp_path / "cifar-10-batches-py"

    def test_a_damaged_one_is_named(self, tmp_path, content):
        (tmp_path / "cifar-10-python.tar.gz").write_bytes(content[:-1])
        with pytest.raises(
            ValueError, match=r"cifar-10-python\.tar\.gz must be the official archive .* remove it"
        ):
            data.find_cifar10(tmp_path)
        assert [entry.name for entry in tmp_path.iterdir()] == ["cifar-10-python.tar.gz"]


class TestDamagedBatches:
    def refuse(self, fake, record, text):
        path = fake / "cifar-10-batches-py/data_batch_3"
        path.write_bytes(py2_file(record))
        with pytest.raises(ValueError, match=f"data_batch_3.*{text}"):
            data.load_cifar10(fake)

    def test_truncated(self, fake):
        path = fake / "cifar-10-batches-py/data_batch_3"
        path.write_bytes(path.read_bytes()[:30000])
        with pytest.raises(
            ValueError, match="data_batch_3 must be a whole pickle of CIFAR-10, got 30,000 bytes"
        ):
            data.load_cifar10(fake)

    def test_a_payload(self, fake, monkeypatch):
        path = fake / "cifar-10-batches-py/test_batch"
        path.write_bytes(b"\x80\x02cos\nsystem\n(U\x09touch ran" + b"tR.")
        monkeypatch.chdir(fake)
        with pytest.raises(
            data.UnsafePickleError, match=r"test_batch: a data file must name .*, got os\.system"
        ):
            data.load_cifar10(fake)
        assert not (fake / "ran").exists()

    def test_no_dict(self, fake):
        self.refuse(fake, [1], "must hold a dict, got list")

    def test_other_keys(self, fake):
        self.refuse(fake, {b"fine_labels": [], b"data": b""}, "must hold 'labels', got 'fine_labels', 'data'")
        self.refuse(fake, {}, "must hold 'data', got an empty dict")

    def test_data_of_another_shape(self, fake):
        images = np.zeros((4, 3071), np.uint8)
        self.refuse(
            fake,
            {b"data": images, b"labels": [1] * 4},
            r"'data' must have shape \(N, 3072\), got \(4, 3071\)",
        )
        images = np.zeros((0, 3072), np.uint8)
        self.refuse(
            fake, {b"data": images, b"labels": []}, r"'data' must have shape \(N, 3072\), got \(0, 3072\)"
        )
        self.refuse(fake, {b"data": b"x", b"labels": [1]}, "'data' must be an array, got bytes")

    def test_labels(self, fake):
        images = np.zeros((2, 3072), np.uint8)
        self.refuse(
            fake, {b"data": images, b"labels": [1]}, r"'labels' must be as many as the images \(2\), got 1"
        )
        self.refuse(fake, {b"data": images, b"labels": [1, 10]}, "'labels' must be from 0 to 9, got 10")
        self.refuse(fake, {b"data": images, b"labels": [1, -1]}, "'labels' must be from 0 to 9, got -1")
        self.refuse(fake, {b"data": images, b"labels": [1, b"2"]}, "'labels' must be a list of whole numbers")

    def test_a_file_that_is_a_folder(self, fake):
        path = fake / "cifar-10-batches-py/batches"
        path.mkdir()
        with pytest.raises(OSError, match="Is a directory"):
            data.load_batch(path)

    def test_files_that_python_3_wrote(self, fake):
        for index, name in enumerate(NAMES):
            images, labels = batch(index)
            record = {"data": images, "labels": labels}
            (fake / "cifar-10-batches-py" / name).write_bytes(pickle.dumps(record, protocol=2 + index % 3))
        np.testing.assert_array_equal(data.load_cifar10(fake).X_train, expected(range(5))[0])

    def test_the_fake_is_read_as_python_reads_it(self):
        record = pickle.loads(batch_file(2), encoding="bytes")
        np.testing.assert_array_equal(record[b"data"], batch(2)[0])
        assert record[b"labels"] == batch(2)[1]
