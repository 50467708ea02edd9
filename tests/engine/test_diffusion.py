"""The schedule against its definition, samplers against denoisers whose answer is known, the selector's table."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shotscore_engine.diffusion import (
    MAX_T,
    SELECTORS,
    Selector,
    add_noise,
    alpha_sigma,
    ddim,
    dpm_solver_pp_2m,
    guided,
    half_log_snr,
    log_alpha_bar,
    timestep_at,
    timesteps,
)
from shotscore_engine.errors import RequestError


def released_alpha_bar() -> np.ndarray:
    """The product over whole timesteps that the released configuration defines."""
    betas = np.linspace(0.00085**0.5, 0.0120**0.5, MAX_T) ** 2
    return np.cumprod(1 - betas)


def test_schedule_follows_the_released_one() -> None:
    ours = np.array([log_alpha_bar(t) for t in range(1, MAX_T + 1)])
    assert np.abs(ours / np.log(released_alpha_bar()) - 1).max() < 0.005


def test_schedule_runs_from_music_to_noise() -> None:
    assert alpha_sigma(0) == (1.0, 0.0)
    alpha, sigma = alpha_sigma(MAX_T)
    assert alpha < 0.07
    assert sigma > 0.997
    snr = [half_log_snr(t) for t in range(1, MAX_T + 1)]
    assert all(a > b for a, b in itertools.pairwise(snr))


@given(st.floats(0.5, 1000))
def test_alpha_and_sigma_share_the_power_and_lambda_inverts(t: float) -> None:
    alpha, sigma = alpha_sigma(t)
    assert math.isclose(alpha**2 + sigma**2, 1, abs_tol=1e-12)
    assert math.isclose(timestep_at(half_log_snr(t)), t, rel_tol=1e-6, abs_tol=1e-6)


@pytest.mark.parametrize("sampler", [dpm_solver_pp_2m, ddim])
@pytest.mark.parametrize("steps", [1, 2, 20])
def test_a_perfect_denoiser_gives_its_music_back(sampler, steps: int) -> None:
    rng = np.random.default_rng(0)
    music = rng.standard_normal((16, 6), dtype=np.float32)
    out = sampler(lambda x, t: music, rng.standard_normal((16, 6), dtype=np.float32), timesteps(steps))
    np.testing.assert_allclose(out, music, atol=1e-6)


@pytest.mark.parametrize(("sampler", "tolerance"), [(dpm_solver_pp_2m, 0.02), (ddim, 0.08)])
def test_samplers_follow_the_exact_flow_of_a_gaussian(sampler, tolerance: float) -> None:
    """For x_0 ~ N(0, s^2) the best denoiser is linear; the flow ends at noise * s / sqrt(alpha^2 s^2 + sigma^2)."""
    spread = 0.5

    def denoise(x: np.ndarray, t: float) -> np.ndarray:
        alpha, sigma = alpha_sigma(t)
        return np.float32(alpha * spread**2 / (alpha**2 * spread**2 + sigma**2)) * x

    noise = np.random.default_rng(1).standard_normal((64, 8), dtype=np.float32)
    alpha, sigma = alpha_sigma(MAX_T)
    exact = noise * spread / math.sqrt(alpha**2 * spread**2 + sigma**2)
    out = sampler(denoise, noise, timesteps(25))
    assert np.abs(out - exact).max() / np.abs(exact).max() < tolerance


def test_ancestral_steps_add_noise_and_need_a_generator() -> None:
    noise = np.ones((4, 2), np.float32)
    with pytest.raises(RequestError, match="seeded generator"):
        ddim(lambda x, t: x * 0, noise, timesteps(3), eta=1.0)
    one = ddim(lambda x, t: x * 0.5, noise, timesteps(3), eta=1.0, rng=np.random.default_rng(1))
    two = ddim(lambda x, t: x * 0.5, noise, timesteps(3), eta=1.0, rng=np.random.default_rng(2))
    assert not np.allclose(one, two)


def test_steps_are_told_and_may_stop_the_work() -> None:
    seen: list[tuple[int, float]] = []

    def on_step(i: int, t: float, _x: np.ndarray) -> None:
        seen.append((i, t))
        if i == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dpm_solver_pp_2m(lambda x, t: x, np.ones((2, 2), np.float32), timesteps(10), on_step)
    assert [i for i, _ in seen] == [0, 1, 2, 3]
    assert [t for _, t in seen] == timesteps(10)[1:5]


@given(st.integers(1, 200), st.floats(10, 1000))
def test_timesteps_fall_from_the_start_to_zero(steps: int, start: float) -> None:
    times = timesteps(steps, start)
    assert len(times) == steps + 1
    assert math.isclose(times[0], start)
    assert times[-1] == 0
    assert all(a > b for a, b in itertools.pairwise(times))


def test_noise_of_a_timestep_has_the_schedules_share() -> None:
    x_0 = np.full((200, 200), 3.0, np.float32)
    noisy = add_noise(x_0, 400, np.random.default_rng(0))
    alpha, sigma = alpha_sigma(400)
    assert math.isclose(noisy.mean(), 3 * alpha, rel_tol=0.01)
    assert math.isclose(noisy.std(), sigma, rel_tol=0.02)


def test_guidance_of_one_changes_nothing_and_more_goes_further() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 8, 4)).astype(np.float32)
    np.testing.assert_allclose(guided(a, b, 1.0), a, atol=1e-6)
    np.testing.assert_allclose(guided(a, b, 3.0), b + 3 * (a - b), atol=1e-5)
    assert math.isclose(guided(a, b, 3.0, rescale=1.0).std(), a.std(), rel_tol=1e-4)


@pytest.mark.parametrize(
    ("name", "early", "late"),
    [
        ("video", (False, True), (False, True)),
        ("language", (True, False), (True, False)),
        ("concat", (True, True), (True, True)),
        ("video+language", (False, True), (True, False)),
        ("language+video", (True, False), (False, True)),
        ("none", (False, False), (False, False)),
    ],
)
def test_selector_switches_at_its_step(name: str, early: tuple[bool, bool], late: tuple[bool, bool]) -> None:
    rng = np.random.default_rng(0)
    for switch in (200.0, 617.5):
        selector = Selector(name, switch)  # type: ignore[arg-type]
        assert selector(1000, rng) == selector(switch + 0.1, rng) == early
        assert selector(switch, rng) == selector(0.0, rng) == late


def test_random_selector_takes_one_modality_at_a_time() -> None:
    rng = np.random.default_rng(0)
    drawn = [Selector("random")(500, rng) for _ in range(400)]
    assert set(drawn) == {(True, False), (False, True)}
    assert 150 < sum(language for language, _ in drawn) < 250


def test_unknown_selectors_and_switches_are_refused() -> None:
    with pytest.raises(RequestError, match="sideways"):
        Selector("sideways")  # type: ignore[arg-type]
    with pytest.raises(RequestError, match="1200"):
        Selector("language+video", 1200)
    assert len(SELECTORS) == 7
