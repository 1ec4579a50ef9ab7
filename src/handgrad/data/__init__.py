"""Data: CIFAR-10, folders of images and drawn shapes, and what is done to images on their way to a model.

Every source gives a `Dataset`: uint8 images (N, C, H, W) and int64 labels, whose `split` is the courses' six
arrays. `get_CIFAR10_data` and `get_shapes_data` give them as floats around the mean image, as the courses do.
Importing this loads NumPy and nothing else; Pillow, pooch, requests and rich are loaded by what needs them.
"""

from handgrad.data import augment
from handgrad.data.batches import batches_per_epoch, cut, epoch_batches, epoch_order
from handgrad.data.checks import check_images, check_labels, check_split
from handgrad.data.cifar10 import find_cifar10, get_CIFAR10_data, load_batch, load_cifar10
from handgrad.data.dataset import Dataset, float_arrays
from handgrad.data.download import MIRRORS, DownloadError, cache_folder, download_cifar10
from handgrad.data.folder import load_folder, load_image
from handgrad.data.pickles import UnsafePickleError
from handgrad.data.preprocess import Standardize
from handgrad.data.shapes import get_shapes_data, load_shapes
from handgrad.data.transfer import Patience

__all__ = [
    "MIRRORS",
    "Dataset",
    "DownloadError",
    "Patience",
    "Standardize",
    "UnsafePickleError",
    "augment",
    "batches_per_epoch",
    "cache_folder",
    "check_images",
    "check_labels",
    "check_split",
    "cut",
    "download_cifar10",
    "epoch_batches",
    "epoch_order",
    "find_cifar10",
    "float_arrays",
    "get_CIFAR10_data",
    "get_shapes_data",
    "load_batch",
    "load_cifar10",
    "load_folder",
    "load_image",
    "load_shapes",
]
