"""Short trials are fetched ahead, long ones are left for others."""

from caviar.exchange.pace import AHEAD_LIMIT, AHEAD_SECONDS, Pace


def test_before_anything_is_known_one_trial_is_enough():
    pace = Pace()
    assert pace.want(queued=0, training=False) == 1
    assert pace.want(queued=1, training=False) == 0
    assert pace.want(queued=0, training=True) == 0


def test_short_trials_are_fetched_for_a_while():
    pace = Pace()
    pace.finished(3, 0.01)
    ahead = round(AHEAD_SECONDS / 0.01)
    assert pace.want(queued=0, training=True) == ahead
    assert pace.want(queued=ahead, training=True) == 0
    assert not pace.low(queued=ahead, training=True)
    assert not pace.low(queued=ahead - 1, training=True)
    assert pace.low(queued=ahead // 4, training=True)


def test_trials_that_take_no_time_do_not_pile_up():
    pace = Pace()
    pace.finished(3, 0.0)
    assert pace.want(queued=0, training=True) == AHEAD_LIMIT


def test_long_trials_are_not_hoarded():
    pace = Pace()
    pace.finished(3, 60.0)
    assert pace.want(queued=0, training=True) == 0
    assert pace.want(queued=0, training=False) == 1


def test_a_mean_forgets_slowly():
    pace = Pace()
    pace.finished(3, 0.01)
    pace.finished(3, 10.0)  # one outlier: 2 seconds on average
    assert pace.want(queued=0, training=True) == 0
    for _ in range(40):
        pace.finished(3, 0.01)
    assert pace.want(queued=0, training=True) > 1


def test_a_script_takes_one_at_a_time():
    pace = Pace(ahead=False)
    pace.finished(3, 0.001)
    assert pace.want(queued=0, training=True) == 0
