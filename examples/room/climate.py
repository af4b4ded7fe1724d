"""Temperatures of heated rooms under a thermostat. Synthesised.

Two thermal masses, the air with furniture (C_a) and the walls (C_w), in J/K; resistances in K/W, powers in W,
temperatures in deg C:

    C_a dT_a/dt = (T_w - T_a) / R_aw + (T_o - T_a) / R_v + P_h + 0.4 g A + P_p
    C_w dT_w/dt = (T_a - T_w) / R_aw + (T_o - T_w) / R_wo        + 0.6 g A
    tau_h dP_h/dt = P_max on - P_h                            (a radiator with water in it)

C_a = 0.6 .. 1.5 MJ/K, C_w = 4 .. 14 MJ/K, R_aw = 4 .. 10 mK/W, R_wo = 15 .. 40 mK/W, R_v = 25 .. 60 mK/W (8 to 16 mK/W
while a window is open, 5 to 30 minutes, once a day), P_max = 1 .. 2.2 kW, tau_h = 5 .. 20 min. g is the sun on windows
of A = 0.5 .. 4 m^2: 0 .. 500 W/m^2 at noon by the day's clouds; T_o a daily wave of 2 to 6 K about -5 .. 12 deg C and a
slow random walk; P_p people and machines, 0 .. 300 W, 60 W at night. The thermostat switches with a hysteresis of 0.6 K
about 19 .. 22 deg C by day and 2 to 4 K less from 22 to 6 o'clock. Euler steps of one minute.

A sample is 24 steps of 10 minutes: room temperature (sigma 0.05 K, rounded to 0.1 K), outside temperature (0.1 K),
share of the 10 minutes that the heating was on, sun in W/m^2 (rounded to 10), and sine and cosine of the time of day.
To forecast: the room's temperature one hour after the last step.
"""
import numpy as np

FEATURES = ["room_degc", "outside_degc", "heating", "sun_w_m2", "day_sine", "day_cosine"]
STEPS = 24
MINUTES = 10
AHEAD = 6  # steps
DAYS = 8


def rooms(random, count):
    """(count, DAYS * 144, 6) features of each ten minutes, and the room's true temperature (count, DAYS * 144)."""
    def pick(low, high):
        return random.uniform(low, high, count)

    c_a, c_w = pick(0.6e6, 1.5e6), pick(4e6, 14e6)
    r_aw, r_wo, r_v, r_open = pick(4e-3, 10e-3), pick(15e-3, 40e-3), pick(25e-3, 60e-3), pick(8e-3, 16e-3)
    p_max, tau_h, area = pick(1000, 2200), pick(300, 1200), pick(0.5, 4)
    setpoint, setback = pick(19, 22), pick(2, 4)
    mean, swing = pick(-5, 12), pick(2, 6)
    t_a, t_w, p_h, on = setpoint - 1, setpoint - 4, np.zeros(count), np.zeros(count)
    drift, people, open_until = np.zeros(count), np.zeros(count), np.zeros(count)
    minutes = DAYS * 24 * 60
    trace = np.zeros((count, minutes, 4))
    for minute in range(minutes):
        day = minute / 1440 % 1
        if minute % 1440 == 0:
            clear = random.uniform(0, 500, count)
        if minute % 60 == 0:
            people = np.where(6 <= day * 24 < 22, random.uniform(0, 300, count), 60)
        drift += 0.02 * random.standard_normal(count)
        t_o = mean + drift - swing * np.cos(2 * np.pi * (day - 0.125))
        sun = clear * max(0, np.sin(2 * np.pi * (day - 0.25)))
        opens = random.random(count) < 1 / 1440
        open_until = np.where(opens, minute + random.uniform(5, 30, count), open_until)
        r_air = np.where(minute < open_until, r_open, r_v)
        wanted = setpoint - setback * (not 6 <= day * 24 < 22)
        on = np.where(t_a < wanted - 0.3, 1, np.where(t_a > wanted + 0.3, 0, on))
        p_h = p_h + 60 / tau_h * (p_max * on - p_h)
        change_a = (t_w - t_a) / r_aw + (t_o - t_a) / r_air + p_h + 0.4 * sun * area + people
        change_w = (t_a - t_w) / r_aw + (t_o - t_w) / r_wo + 0.6 * sun * area
        t_a, t_w = t_a + 60 * change_a / c_a, t_w + 60 * change_w / c_w
        trace[:, minute] = np.stack([t_a, t_o, on, sun], axis=1)
    tens = trace.reshape(count, -1, MINUTES, 4)
    last, share = tens[:, :, -1], tens[:, :, :, 2].mean(axis=2)
    angle = 2 * np.pi * np.arange(tens.shape[1]) / 144 + np.zeros((count, 1))
    room = np.round(last[:, :, 0] + 0.05 * random.standard_normal(share.shape), 1)
    features = [room, np.round(last[:, :, 1], 1), share, np.round(last[:, :, 3], -1), np.sin(angle), np.cos(angle)]
    return np.stack(features, axis=2), last[:, :, 0]


def windows(count, seed):
    """(count, STEPS, 6) float32 features and (count, 1) float32 room temperatures AHEAD steps later, deg C."""
    random = np.random.default_rng(seed)
    features, truth = rooms(random, max(20, count // 20))
    row = random.integers(0, len(features), count)
    begin = random.integers(144, features.shape[1] - STEPS - AHEAD, count)  # after a day for the walls to settle
    x = features[row[:, None], begin[:, None] + np.arange(STEPS)]
    return x.astype(np.float32), truth[row, begin + STEPS - 1 + AHEAD].astype(np.float32)[:, None]


def rmse(forecast, y):
    """Kelvin."""
    return float(np.sqrt(np.mean((forecast - y) ** 2)))


def linear_rmse(x_train, y_train, x_test, y_test):
    """Kelvin of the best linear forecast from all features of all steps: what a network must beat."""
    def table(x):
        return np.concatenate([x.reshape(len(x), -1), np.ones((len(x), 1))], axis=1).astype(np.float64)

    weights = np.linalg.lstsq(table(x_train), y_train, rcond=None)[0]
    return rmse(table(x_test) @ weights, y_test)
