from carpal_training.data.exam import Exam


def test_a_study_is_named_within_its_patient() -> None:
    assert Exam("7", study="2").study_key == "7/2"
    assert Exam("7").study_key is None
