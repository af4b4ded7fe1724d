"""Currents of appliances in the 40 ms around switching on, as an electricity meter sees them. Synthesised.

Mains: v(t) = 230 V * sqrt(2) * (1 + d) * (sin p + a3 sin(3 p + q3) + a5 sin(5 p + q5) + a7 sin(7 p + q7)), where dp/dt
= 2 pi (50 Hz + f) plus a random walk (phase noise, 0.02 rad after one second); |d| < 8 %, |f| < 0.2 Hz, the sum of
a3..a7 about 4 %. The switch closes at a random phase, 0 to 8 ms after the window begins. Then, i in A, v in V, R in
ohm:

* heater        i = v / R, 60 W to 2200 W
* bulb          i = v / R(u), R = R_hot (r + (1 - r) u), r = 1/8 .. 1/14 (cold filament);
                its temperature u: du/dt = (v i / P - u^4) / tau, tau = 20 .. 80 ms, P = 40 .. 150 W
* motor L di/dt = v - (R_1 + R_2 / s) i: single-phase induction motor; slip s falls from 1 with tau = 0.1 .. 0.5 s
* power_supply  bridge, series resistance R and capacitor: i = (|v| - u - 1.6 V) / R while positive, C du/dt = i - P / u
                once u > 90 V; 20 W to 400 W, 0.8 to 2 uF a watt, R = 2 .. 12
* dimmer i = v / R from the phase 0.2 pi .. 0.75 pi of each half wave on, through L = 0.2 .. 2 mH (phase-angle control)
* led           capacitive dropper: series C = 0.15 .. 1 uF, R = 100 .. 400, bridge and LEDs of U = 40 .. 110 V:
                i = (v - w -+ U) / R while |v - w| > U, C dw/dt = i

The equations are integrated by Euler steps of 1/64 ms. The meter takes the mean of each 1/4 ms, clips at +-60 A, adds
what other appliances change meanwhile (0 to 0.25 A at 50 and 150 Hz, random phases), noise (sigma 5 to 60 mA) and
rounds to 10 mA.
"""
import numpy as np

CLASSES = ["heater", "bulb", "motor", "power_supply", "dimmer", "led"]
SAMPLE_RATE_HZ = 4000
STEPS = 160
FINE = 16  # Euler steps a sample
MAINS_PEAK_V = 230 * np.sqrt(2)


def mains(random, count, steps, dt):
    """(volts, phase), both (count, steps)."""
    rate = 2 * np.pi * (50 + random.uniform(-0.2, 0.2, (count, 1)))
    walk = np.cumsum(random.standard_normal((count, steps)), axis=1) * 0.02 * np.sqrt(dt)
    phase = random.uniform(0, 2 * np.pi, (count, 1)) + rate * dt * np.arange(steps) + walk
    wave = np.sin(phase)
    for harmonic in (3, 5, 7):
        share = random.uniform(0, 0.08 / harmonic, (count, 1))
        wave = wave + share * np.sin(harmonic * phase + random.uniform(0, 2 * np.pi, (count, 1)))
    return MAINS_PEAK_V * (1 + random.uniform(-0.08, 0.08, (count, 1))) * wave, phase


def log_uniform(random, low, high, count):
    return np.exp(random.uniform(np.log(low), np.log(high), count))


def heater(random, v, phase, is_on, dt):
    return is_on * v * log_uniform(random, 60, 2200, len(v))[:, None] / 230**2


def bulb(random, v, phase, is_on, dt):
    power, tau = random.uniform(40, 150, len(v)), random.uniform(0.02, 0.08, len(v))
    cold, u = 1 / random.uniform(8, 14, len(v)), np.zeros(len(v))
    i = np.zeros_like(v)
    for t in range(v.shape[1]):
        i[:, t] = is_on[:, t] * v[:, t] * power / 230**2 / (cold + (1 - cold) * u)
        u += dt / tau * (v[:, t] * i[:, t] / power - u**4)
    return i


def motor(random, v, phase, is_on, dt):
    impedance = 230 / random.uniform(0.6, 6, len(v)) / random.uniform(2, 5, len(v))  # with the rotor locked
    angle = random.uniform(0.6, 1.2, len(v))
    r, inductance = impedance * np.cos(angle), impedance * np.sin(angle) / (2 * np.pi * 50)
    tau, now, i = random.uniform(0.1, 0.5, len(v)), np.zeros(len(v)), np.zeros_like(v)
    since = np.cumsum(is_on, axis=1) * dt
    for t in range(v.shape[1]):
        slip = 0.05 + 0.95 * np.exp(-since[:, t] / tau)
        now = is_on[:, t] * (now + dt / inductance * (v[:, t] - r * (0.5 + 0.5 / slip) * now))
        i[:, t] = now
    return i


def power_supply(random, v, phase, is_on, dt):
    power = log_uniform(random, 20, 400, len(v))
    capacity, r = power * random.uniform(0.8e-6, 2e-6, len(v)), random.uniform(2, 12, len(v))
    u, i = np.zeros(len(v)), np.zeros_like(v)
    for t in range(v.shape[1]):
        charge = is_on[:, t] * np.maximum(np.abs(v[:, t]) - u - 1.6, 0) / (r + dt / capacity)
        u += dt / capacity * (charge - np.where(u > 90, power / np.maximum(u, 90), 0))
        i[:, t] = np.sign(v[:, t]) * charge
    return i


def dimmer(random, v, phase, is_on, dt):
    r = 230**2 / log_uniform(random, 40, 1200, len(v))
    inductance = random.uniform(0.2e-3, 2e-3, len(v))
    is_fired = np.mod(phase, np.pi) > np.pi * random.uniform(0.2, 0.75, (len(v), 1))
    now, i = np.zeros(len(v)), np.zeros_like(v)
    for t in range(v.shape[1]):
        # Implicit: a small inductance is stiff.
        now = is_on[:, t] * is_fired[:, t] * (now + dt / inductance * v[:, t]) / (1 + dt / inductance * r)
        i[:, t] = now
    return i


def led(random, v, phase, is_on, dt):
    capacity, r = log_uniform(random, 0.15e-6, 1e-6, len(v)), random.uniform(100, 400, len(v))
    string, w, i = random.uniform(40, 110, len(v)), np.zeros(len(v)), np.zeros_like(v)
    for t in range(v.shape[1]):
        across = v[:, t] - w
        now = is_on[:, t] * np.sign(across) * np.maximum(np.abs(across) - string, 0) / (r + dt / capacity)
        w += dt / capacity * now
        i[:, t] = now
    return i


def currents(count, seed):
    """(count, 1, STEPS) float32 amperes and their (count) int64 classes, equally many of each."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % len(CLASSES)
    dt = 1 / SAMPLE_RATE_HZ / FINE
    x = np.zeros((count, STEPS))
    for label, appliance in enumerate((heater, bulb, motor, power_supply, dimmer, led)):
        rows = labels == label
        v, phase = mains(random, rows.sum(), STEPS * FINE, dt)
        is_on = np.arange(STEPS * FINE) * dt > random.uniform(0, 0.008, (rows.sum(), 1))
        x[rows] = appliance(random, v, phase, is_on, dt).reshape(-1, STEPS, FINE).mean(axis=2)
    angle = 2 * np.pi * 50 * np.arange(STEPS) / SAMPLE_RATE_HZ
    for harmonic in (1, 3):
        x += random.uniform(0, 0.25 / harmonic, (count, 1)) * np.sin(
            harmonic * angle + random.uniform(0, 2 * np.pi, (count, 1)))
    x = np.clip(x, -60, 60) + log_uniform(random, 0.005, 0.06, count)[:, None] * random.standard_normal(x.shape)
    return (np.round(x * 100) / 100).astype(np.float32)[:, None], labels.astype(np.int64)
