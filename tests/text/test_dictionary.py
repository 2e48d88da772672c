from finstrat.text.dictionary import master_dictionary


def test_words_are_in_their_lists():
    words = master_dictionary()
    assert "LOSS" in words.negative
    assert "GAINS" in words.positive
    assert "MAY" in words.uncertainty
    assert "LAWSUIT" in words.litigious
    assert not words.positive & words.negative


def test_syllables_are_counted_and_a_word_may_look_like_a_missing_value():
    syllables = master_dictionary().syllables
    assert syllables["LIABILITY"] == 5
    assert syllables["LOSS"] == 1
    assert "NULL" in syllables


def test_as_many_words_as_the_card_of_the_lexicon_says():
    words = master_dictionary()
    assert (len(words.positive), len(words.negative)) == (354, 2355)
