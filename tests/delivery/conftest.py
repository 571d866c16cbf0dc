import helm_python as helm
import pytest


@pytest.fixture(scope="module")
def chart(repository):
    with helm.Chart.load(repository / "helm/strongroom") as loaded:
        yield loaded
