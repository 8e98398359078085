import pytest

from streamface import plugins
from streamface.errors import UnknownNameError


@pytest.mark.parametrize("name", ["VGG-Face", "vgg_face", "VGGFACE", "vgg face"])
def test_names_are_compared_without_case_dashes_and_spaces(name):
    assert plugins.choose("model", name, ("Facenet", "VGG-Face")) == "VGG-Face"


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(
        UnknownNameError, match=r"unknown metric 'manhattan': choose one of cosine, euclidean"
    ) as caught:
        plugins.choose("metric", "manhattan", ("cosine", "euclidean"))
    assert isinstance(caught.value, ValueError) and caught.value.exit_code == 2


def test_a_backend_is_found_by_public_name_and_by_file_name():
    assert plugins.backend("recognition", "dlib") is plugins.backend("recognition", "Dlib-ResNet")
    assert plugins.backend("detection", "YUNET").NAME == "YuNet"


def test_base_files_are_no_backends():
    assert set(plugins.backends("detection")) >= {"MTCNN", "YuNet", "Haar"}
    assert all(not module.__name__.endswith("base") for module in plugins.backends("detection").values())
