"""Vibration of a ball bearing as frames of a short-time spectrum in dB. Synthesised.

A shaft turns with f_r = 20 .. 30 Hz in a bearing with n = 7 .. 9 balls, ratio of ball to pitch diameter d = 0.17 ..
0.24, contact angle 0. A damaged place is rolled over (Hz)

    outer race  n f_r (1 - d) / 2          inner race  n f_r (1 + d) / 2          ball  f_r (1 - d^2) / d   (both races)

times a second; the balls slip, so each interval varies by 1 %. Each blow, of acceleration A in m/s^2, excites two
resonances of the housing: a(t) = A exp(-z w t) sin(w t) with w / 2 pi = 1.5 .. 2.1 kHz and 2.6 .. 3.4 kHz, z = 2 .. 6
%. The load zone weighs the blows: the outer race does not move in it (weight 1); the inner race turns through it,
weight 0.2 + 0.8 max(0, cos(2 pi f_r t)); a ball with the cage, f_c = f_r (1 - d) / 2, weight 0.3 + 0.7 max(0, cos(2 pi
f_c t)). To this come unbalance and misalignment (f_r, 2 f_r, 3 f_r: 0.2 .. 1 m/s^2), a gear mesh of 17 teeth with
sidebands (0.05 .. 0.4 m/s^2), noise of 0.1 m/s^2, and in every class a few blows at random times (0 .. 20 a second)
from elsewhere. A is 0.25 .. 1.6 m/s^2: early damage.

The sensor samples at 8 kHz. Frames: Hann window of 64, hop of 20 samples (2.5 ms); the powers of bins 3 to 32 (375 Hz
to 4 kHz) are added in pairs to 15 bands, in dB relative to 1 (m/s^2)^2, rounded to 1 dB; 64 frames, 0.16 s, are one
sample.
"""
import numpy as np

CLASSES = ["healthy", "outer_race", "inner_race", "ball"]
SAMPLE_RATE_HZ = 8000
FRAMES, BANDS = 64, 15
WINDOW, HOP = 64, 20
SAMPLES = WINDOW + HOP * (FRAMES - 1)


def ring(random, blows):
    """The answer of the housing to `blows` (SAMPLES), an acceleration at each sample."""
    t = np.arange(400) / SAMPLE_RATE_HZ
    answer = np.zeros_like(t)
    for low, high in ((1500, 2100), (2600, 3400)):
        w, z = 2 * np.pi * random.uniform(low, high), random.uniform(0.02, 0.06)
        answer += random.uniform(0.4, 1) * np.exp(-z * w * t) * np.sin(w * t)
    return np.convolve(blows, answer)[:SAMPLES]


def acceleration(random, label):
    """m/s^2 of one sample (SAMPLES)."""
    t = np.arange(SAMPLES) / SAMPLE_RATE_HZ
    turn, balls, ratio = random.uniform(20, 30), random.integers(7, 10), random.uniform(0.17, 0.24)
    blows = np.zeros(SAMPLES)
    if label:
        outer, inner = balls * turn * (1 - ratio) / 2, balls * turn * (1 + ratio) / 2
        rate = [outer, inner, turn * (1 - ratio**2) / ratio][label - 1]
        times = np.cumsum((1 + 0.01 * random.standard_normal(60)) / rate) - random.uniform(0, 1) / rate
        times = times[(times >= 0) & (times < t[-1])]
        rolls, floor = [(0, 1), (turn, 0.2), (turn * (1 - ratio) / 2, 0.3)][label - 1]
        weight = floor + (1 - floor) * np.maximum(0, np.cos(2 * np.pi * rolls * times + random.uniform(0, 2 * np.pi)))
        np.add.at(blows, (times * SAMPLE_RATE_HZ).astype(int), weight * random.uniform(0.25, 1.6))
    foreign = random.poisson(random.uniform(0, 20) * t[-1])
    np.add.at(blows, random.integers(0, SAMPLES, foreign), random.uniform(0.2, 1.6, foreign))
    a = ring(random, blows)
    for order in (1, 2, 3):
        a += random.uniform(0.2, 1) * np.sin(2 * np.pi * order * turn * t + random.uniform(0, 2 * np.pi))
    mesh = 2 * np.pi * 17 * turn * t
    a += random.uniform(0.05, 0.4) * np.sin(mesh) * (1 + 0.5 * np.sin(2 * np.pi * turn * t))
    return a + 0.1 * random.standard_normal(SAMPLES)


def frames(a):
    """(FRAMES, BANDS) dB of the acceleration a (SAMPLES)."""
    pieces = np.lib.stride_tricks.sliding_window_view(a, WINDOW)[::HOP] * np.hanning(WINDOW)
    power = np.abs(np.fft.rfft(pieces))[:, 3:] ** 2 / WINDOW**2
    return np.round(10 * np.log10(power.reshape(FRAMES, BANDS, 2).sum(axis=2) + 1e-9))


def spectra(count, seed):
    """(count, FRAMES, BANDS) float32 dB and their (count) int64 classes, equally many of each."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % len(CLASSES)
    x = np.stack([frames(acceleration(random, label)) for label in labels])
    return x.astype(np.float32), labels.astype(np.int64)
