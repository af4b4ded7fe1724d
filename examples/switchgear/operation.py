"""Vibration of a medium-voltage vacuum circuit breaker as it closes, as frames of a short-time spectrum in dB. Synthesised.

A coil releases a latch, and a spring closes three poles by one shaft. Seen at the contacts (travel x in m, moving mass M
= 12 kg, spring of force F = 1200 N that falls to nothing over X = 30 mm, friction R = 240 N):

    M x'' = F (1 - x / X) - R       so x = A (1 - cos w t),  A = X (1 - R / F),  w^2 = F / (M X)

The contacts touch after g = 10 mm, at t = arccos(1 - g / A) / w with v = A w sin(w t). They keep 0.9 v, and go on for h =
3.5 mm against three contact springs of f = 400 N; an oil damper takes exp(-d), d = 1 .. 1.4, of the speed u before the stop:

    u^2 = (0.9 v)^2 + 2 h (F (1 - g / X) - R - 3 f) / M,   at least (0.15 m/s)^2

A pole's moving contact (m = 0.4 kg) bounces: the blow n comes T = 2 e^n v m / f after the one before it, e^n times as strong,
e = 0.25 .. 0.35. The shaft bounces once at the stop, with 0.3 of its speed. Each blow excites ten modes of the frame, 0.6 to
11.8 kHz with a damping of 1 to 4 %: a(t) = B sum p exp(-z w t) sin(w t), B its strength (speed in m/s times the source's
weight), p a fixed share by source and mode, low-pass filtered by how hard the source is.

In order: the plunger of the coil (9 .. 14 ms after the command, which comes 4 .. 24 ms after the recording begins), the
latch (3 .. 5 ms later), sliding on the way (2500 small blows a second, as strong as the speed), auxiliary contacts at half
the way, three poles (0.2 ms apart), stop, the holding latch (3 .. 6 ms later), and the motor that charges the spring again
(15 .. 45 ms later: gear mesh of 900 .. 1400 Hz, and a pawl of 25 .. 40 teeth a second).

| class           | what is worn                      |                                                               |
|-----------------|-----------------------------------|---------------------------------------------------------------|
| healthy         | nothing                           | tolerances: F 4 %, R 10 %, f 8 %, and those above             |
| weak_spring     | closing spring                    | F times 0.64 .. 0.82                                          |
| dry_friction    | grease of shaft and linkage       | R times 1.6 .. 2.6; 2.5 to 5 times as many small blows        |
| sticky_latch    | release latch                     | 3 .. 10 ms later, with one to three small blows before        |
| worn_damper     | oil damper                        | d times 0.2 .. 0.55; two bounces at the stop, each with 0.4   |
| contact_springs | contact springs of all poles      | f times 0.28 .. 0.52, e larger by 0.04 .. 0.12                |
| late_pole       | linkage of one pole               | 2.2 .. 4.5 ms late, rattling once before it touches           |

Switches differ: modes by 4 %, their dampings, shares by 25 %; the mounting of the sensor by a factor 0.6 .. 1.6 and by a
resonance at 7 .. 13 kHz. Around it hum and noise that falls by 3 dB an octave. The sensor samples at 32 kHz. Frames: Hann
window of 64, hop of 32 samples (1 ms); the powers of bins 1 to 24 (0.5 to 12 kHz) in dB relative to 1 (m/s^2)^2, not below
-60, rounded to 1 dB; 176 frames, 0.18 s, are one sample.
"""
import numpy as np

CLASSES = ["healthy", "weak_spring", "dry_friction", "sticky_latch", "worn_damper", "contact_springs", "late_pole"]
SAMPLE_RATE_HZ = 32_000
FRAMES, BANDS = 176, 24
WINDOW, HOP = 64, 32
SAMPLES = WINDOW + HOP * (FRAMES - 1)
SPECTRUM = 8192  # samples of the transforms that convolve: SAMPLES and the answer of the frame

MODES_HZ = np.array([640, 980, 1450, 2100, 2950, 4000, 5300, 6900, 8900, 11800])
# weight of a blow of 1 m/s, and the frequency above which its source is soft
SOURCES = {"coil": (4, 9000), "latch": (7, 9000), "sliding": (0.7, 7000), "auxiliary": (3, 8000),
           "pole_a": (30, 6000), "pole_b": (26, 6000), "pole_c": (22, 6000),
           "stop": (60, 3500), "hold": (12, 9000), "motor": (1.2, 5000)}
NAMES = list(SOURCES)
# How much of a source's blow each mode takes: of the one type of switch that all samples are of.
SHARES = np.exp(0.8 * np.random.default_rng(0).standard_normal((len(SOURCES), len(MODES_HZ))))


def closing(random, label):
    """[(source, s, strength)] of the blows of one operation of a switch of the class `label`."""
    fault = CLASSES[label]
    blows = []

    def within(low, high, kind):
        return random.uniform(low, high) if fault == kind else 1.0

    mass, spring_m, gap, over = 12.0, 0.030, 0.010, 0.0035
    force = 1200 * (1 + 0.04 * random.standard_normal()) * within(0.64, 0.82, "weak_spring")
    friction = 240 * np.exp(0.1 * random.standard_normal()) * within(1.6, 2.6, "dry_friction")
    friction = min(friction, 0.75 * force)  # more, and it would not close
    contact_n = 400 * (1 + 0.08 * random.standard_normal()) * within(0.28, 0.52, "contact_springs")
    damping = random.uniform(1.0, 1.4) * within(0.2, 0.55, "worn_damper")
    restitution = random.uniform(0.25, 0.35) + (random.uniform(0.04, 0.12) if fault == "contact_springs" else 0)

    at = random.uniform(0.004, 0.024) + random.uniform(0.009, 0.014)
    blows.append(("coil", at, random.uniform(0.7, 1.3)))
    release = at + random.uniform(0.003, 0.005)
    if fault == "sticky_latch":
        held = random.uniform(0.003, 0.010)
        for t in random.uniform(at, release + held, random.integers(1, 4)):
            blows.append(("latch", t, random.uniform(0.15, 0.5)))
        release += held
    blows.append(("latch", release, random.uniform(0.7, 1.3)))

    amplitude = spring_m * (1 - friction / force)
    w = np.sqrt(force / (mass * spring_m))
    travel = np.arccos(1 - gap / amplitude) / w
    v = amplitude * w * np.sin(w * travel)
    rate = 2500 * within(2.5, 5, "dry_friction")
    for t in random.uniform(0, travel, random.poisson(rate * travel)):
        blows.append(("sliding", release + t, amplitude * w * np.sin(w * t) * random.exponential()))
    half = np.arccos(1 - gap / 2 / amplitude) / w
    blows.append(("auxiliary", release + half, amplitude * w * np.sin(w * half)))

    touch = release + travel
    late = random.integers(0, 3) if fault == "late_pole" else -1
    for pole, source in enumerate(("pole_a", "pole_b", "pole_c")):
        t = touch + 0.0002 * random.standard_normal()
        if pole == late:
            blows.append((source, t, 0.25 * v))
            t += random.uniform(0.0022, 0.0045)
        for n in range(5):
            blows.append((source, t, restitution**n * v))
            t += 2 * restitution ** (n + 1) * v * 0.4 / contact_n

    u2 = (0.9 * v) ** 2 + 2 * over * (force * (1 - gap / spring_m) - friction - 3 * contact_n) / mass
    u = np.sqrt(max(u2, 0.15**2))
    stop = touch + 2 * over / (0.9 * v + u)
    u *= np.exp(-damping)
    bounces, back = (2, 0.4) if fault == "worn_damper" else (1, 0.3)
    t = stop
    for n in range(bounces + 1):
        blows.append(("stop", t, u * back**n))
        t += 0.02 * u * back**n + 0.004 * random.uniform(0.8, 1.2)
    hold = stop + random.uniform(0.003, 0.006)
    blows.append(("hold", hold, random.uniform(0.6, 1.4)))

    starts, teeth = hold + random.uniform(0.015, 0.045), random.uniform(25, 40)
    for t in np.arange(starts + random.uniform(0, 1 / teeth), 0.2, 1 / teeth):
        blows.append(("motor", t, 8 * random.uniform(0.6, 1.4)))
    mesh = random.uniform(900, 1400)
    for t in np.arange(starts, 0.2, 1 / mesh):
        blows.append(("motor", t, random.uniform(0.3, 1.0)))
    return blows


def answers(random):
    """(sources, SPECTRUM / 2 + 1): spectra of the frame's answers to a blow of strength 1, as the sensor sees them."""
    f = np.fft.rfftfreq(SPECTRUM, 1 / SAMPLE_RATE_HZ)
    w = 2 * np.pi * (MODES_HZ * (1 + 0.04 * random.standard_normal(len(MODES_HZ))))[:, None]
    z = random.uniform(0.01, 0.04, len(MODES_HZ))[:, None]
    modes = SAMPLE_RATE_HZ * w / ((2j * np.pi * f + z * w) ** 2 + w**2)
    shares = SHARES * np.exp(0.25 * random.standard_normal(SHARES.shape))
    weights = np.array([[weight] for weight, _ in SOURCES.values()])
    softness = np.exp(-(f / np.array([[high] for _, high in SOURCES.values()])) ** 2)
    resonance = random.uniform(7000, 13000)
    mounting = 1 / np.abs(1 - (f / resonance) ** 2 + 0.4j * f / resonance)
    return (shares @ modes) * weights * softness * mounting * random.uniform(0.6, 1.6)


def ambience(random):
    """m/s^2 of what else the sensor picks up (SAMPLES)."""
    f = np.fft.rfftfreq(SPECTRUM, 1 / SAMPLE_RATE_HZ)
    white = np.fft.rfft(random.standard_normal(SPECTRUM))
    pink = np.fft.irfft(white * np.sqrt(1000 / np.maximum(f, 100)))[:SAMPLES]
    t = np.arange(SAMPLES) / SAMPLE_RATE_HZ
    hum = sum(random.uniform(0, 1) * np.sin(2 * np.pi * 100 * n * t + random.uniform(0, 2 * np.pi)) for n in range(1, 9))
    return np.exp(random.uniform(np.log(0.15), np.log(1.2))) * pink + random.uniform(0, 0.5) * hum


def acceleration(random, label):
    """m/s^2 of one sample (SAMPLES)."""
    trains = np.zeros((len(NAMES), SPECTRUM))
    for source, at, strength in closing(random, label):
        i = round(at * SAMPLE_RATE_HZ)
        if i < SAMPLES:
            trains[NAMES.index(source), i] += strength
    a = np.fft.irfft((np.fft.rfft(trains) * answers(random)).sum(axis=0))[:SAMPLES]
    return a + ambience(random)


def frames(a):
    """(FRAMES, BANDS) dB of the acceleration a (SAMPLES)."""
    pieces = np.lib.stride_tricks.sliding_window_view(a, WINDOW)[::HOP] * np.hanning(WINDOW)
    power = np.abs(np.fft.rfft(pieces))[:, 1:1 + BANDS] ** 2 / WINDOW**2
    return np.round(10 * np.log10(power + 1e-6))


def spectrograms(count, seed):
    """(count, FRAMES, BANDS) float32 dB and their (count) int64 classes, equally many of each."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % len(CLASSES)
    x = np.stack([frames(acceleration(random, label)) for label in labels])
    return x.astype(np.float32), labels.astype(np.int64)
