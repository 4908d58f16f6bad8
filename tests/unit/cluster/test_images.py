import pytest

from tests.cluster.local.images import full_name


@pytest.mark.parametrize(
    ("image", "full"),
    [
        ("plinth:1", "docker.io/library/plinth:1"),
        ("team/plinth:1", "docker.io/team/plinth:1"),
        ("localhost/plinth:1", "localhost/plinth:1"),
        ("registry:5000/plinth:1", "registry:5000/plinth:1"),
        ("registry.example/team/plinth:1", "registry.example/team/plinth:1"),
    ],
)
def test_an_image_has_the_name_the_kubelet_gives_it(image: str, full: str) -> None:
    """A short name is completed as Docker and the kubelet do, else the node would not find what was loaded."""
    assert full_name(image) == full
