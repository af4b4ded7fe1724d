"""Half waves of the current through a contact of a house's wiring: sound, arcing in series, or bouncing as it closes.
Synthesised.

Sixteen half waves of 50 Hz, one after another from one zero of the voltage to the next (a detector synchronises to the
mains), each of 16 samples (1.6 kHz), in A. v(t) = 325 V sin p and loads of 80 W to 1500 W, i in A, R in ohm, L in H:

* resistive   v = R i
* motor       v = R i + L di/dt, L w / R = 0.4 .. 1
* dimmer      v = R i from the phase 0.15 pi .. 0.6 pi on, which wanders by 0.02 rad from half wave to half wave
* rectifier   i = g max(0, |v| - u) sign(v), u = 0.5 .. 0.8 of the peak

A series arc takes a voltage U = 15 .. 35 V, another one each half wave (sigma 20 %), against the current: i' = i (1 - U
/ |v|) where |v| > U. It goes out as the current passes zero, and strikes again when |v| exceeds 30 .. 130 V, another
voltage each half wave: shoulders without current, never twice alike. It also burns unsteadily: noise of 2 to 12 % of
the current, low-pass filtered at 600 Hz. It begins in half wave 0 to 8 and fails to strike in 10 % of the half waves.

A bouncing contact closes in half wave 0 to 6 at any phase and opens again 2 to 6 times within the next 5 to 50 ms, each
time 0.5 to 4 ms; while open it draws an arc for a third of the time. A sound contact either stays closed, or closes
cleanly in half wave 0 to 6. To this come a load step of another appliance in a third of the samples, noise (sigma 10 to
60 mA), and rounding to 20 mA.
"""
import numpy as np

CLASSES = ["sound", "series_arc", "bounce"]
HALF_WAVES, SAMPLES = 16, 16
FINE = 8  # steps a sample
LENGTH = HALF_WAVES * SAMPLES * FINE
DT = 0.01 / (SAMPLES * FINE)
PEAK_V = 230 * np.sqrt(2)


def by_half_wave(values):
    return np.repeat(values, SAMPLES * FINE)


def load(random, v, phase):
    """A of one load at the mains voltage v."""
    conductance = np.exp(random.uniform(np.log(80), np.log(1500))) / 230**2
    kind = random.integers(0, 4)
    if kind == 0:
        return v * conductance
    if kind == 1:
        angle = np.arctan(random.uniform(0.4, 1))
        return PEAK_V * conductance * np.cos(angle) * np.sin(phase - angle)
    if kind == 2:
        fires = random.uniform(0.15, 0.6) * np.pi + by_half_wave(0.02 * random.standard_normal(HALF_WAVES))
        return v * conductance * (np.mod(phase, np.pi) > fires)
    knee = random.uniform(0.5, 0.8)
    return 3 * conductance * np.sign(v) * np.maximum(0, np.abs(v) - knee * PEAK_V)


def arc(random, v, i):
    begins = random.integers(0, 9)
    burning = random.uniform(15, 35) * (1 + 0.2 * random.standard_normal(HALF_WAVES))
    strikes = random.uniform(30, 130, HALF_WAVES) + 400 * (random.random(HALF_WAVES) < 0.1)
    within = np.arange(SAMPLES * FINE)
    waves, volts = i.reshape(HALF_WAVES, -1), np.abs(v).reshape(HALF_WAVES, -1)
    first = np.where(volts.max(1) > strikes, (volts > strikes[:, None]).argmax(1), SAMPLES * FINE)
    is_lit = (within >= first[:, None]) & (volts > burning[:, None])
    flicker = np.convolve(random.standard_normal(LENGTH), np.ones(20) / np.sqrt(20), "same").reshape(HALF_WAVES, -1)
    share = np.where(is_lit, 1 - burning[:, None] / np.maximum(volts, 1), 0)
    share *= 1 + random.uniform(0.02, 0.12) * flicker
    share[:begins] = 1
    return (waves * share).reshape(-1)


def closing(random, i, bounces):
    """The current of a contact that closes, and opens again `bounces` times."""
    at = random.uniform(0, 6) * 0.01
    t = np.arange(LENGTH) * DT
    closed = (t > at).astype(float)
    for opens in at + 0.0005 + random.uniform(0, random.uniform(0.005, 0.05), bounces):
        lasts = random.uniform(0.0005, 0.004)
        closed[(t > opens + lasts / 3) & (t < opens + lasts)] = 0
        closed[(t > opens) & (t <= opens + lasts / 3)] *= 0.85
    return i * closed


def current(random, label):
    """(HALF_WAVES, SAMPLES) A."""
    phase = np.pi * np.arange(LENGTH) / (SAMPLES * FINE) + random.normal(0, 0.02)
    v = PEAK_V * random.uniform(0.93, 1.07) * np.sin(phase)
    i = load(random, v, phase)
    if label == 1:
        i = arc(random, v, i)
    elif label == 2:
        i = closing(random, i, random.integers(2, 7))
    elif random.random() < 0.5:
        i = closing(random, i, 0)
    if random.random() < 1 / 3:
        i = i + 0.7 * load(random, v, phase) * (np.arange(LENGTH) > random.integers(0, LENGTH))
    i = i.reshape(HALF_WAVES, SAMPLES, FINE).mean(axis=2)
    i += random.uniform(0.01, 0.06) * random.standard_normal(i.shape)
    return np.round(i * 50) / 50


def half_waves(count, seed):
    """(count, HALF_WAVES, SAMPLES) float32 amperes and their (count) int64 classes, equally many of each."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % len(CLASSES)
    return np.stack([current(random, label) for label in labels]).astype(np.float32), labels.astype(np.int64)
