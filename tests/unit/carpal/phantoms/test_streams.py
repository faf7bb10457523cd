from carpal.phantoms.streams import stream


def test_the_same_name_gives_the_same_numbers():
    assert stream(7, 1, 2).uniform() == stream(7, 1, 2).uniform()


def test_each_part_of_a_seed_has_numbers_of_its_own():
    first = {stream(seed, *key).uniform() for seed in (0, 1) for key in ((0,), (1,), (0, 1), (1, 0), (0, 0))}
    assert len(first) == 10
