"""Short trials are fetched ahead, long ones are left for others."""

from caviar.exchange.prefetch import AHEAD_LIMIT, AHEAD_SECONDS, Prefetch


def test_before_anything_is_known_one_trial_is_enough():
    prefetch = Prefetch()
    assert prefetch.want(queued=0, training=False) == 1
    assert prefetch.want(queued=1, training=False) == 0
    assert prefetch.want(queued=0, training=True) == 0


def test_short_trials_are_fetched_for_a_while():
    prefetch = Prefetch()
    prefetch.finished(3, 0.01)
    ahead = round(AHEAD_SECONDS / 0.01)
    assert prefetch.want(queued=0, training=True) == ahead
    assert prefetch.want(queued=ahead, training=True) == 0
    assert not prefetch.low(queued=ahead, training=True)
    assert not prefetch.low(queued=ahead - 1, training=True)
    assert prefetch.low(queued=ahead // 4, training=True)


def test_trials_that_take_no_time_do_not_pile_up():
    prefetch = Prefetch()
    prefetch.finished(3, 0.0)
    assert prefetch.want(queued=0, training=True) == AHEAD_LIMIT


def test_long_trials_are_not_hoarded():
    prefetch = Prefetch()
    prefetch.finished(3, 60.0)
    assert prefetch.want(queued=0, training=True) == 0
    assert prefetch.want(queued=0, training=False) == 1


def test_a_mean_forgets_slowly():
    prefetch = Prefetch()
    prefetch.finished(3, 0.01)
    prefetch.finished(3, 10.0)  # one outlier: 2 seconds on average
    assert prefetch.want(queued=0, training=True) == 0
    for _ in range(40):
        prefetch.finished(3, 0.01)
    assert prefetch.want(queued=0, training=True) > 1


def test_a_script_takes_one_at_a_time():
    prefetch = Prefetch(ahead=False)
    prefetch.finished(3, 0.001)
    assert prefetch.want(queued=0, training=True) == 0
