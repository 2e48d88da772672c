def test_the_schema_describes_the_file_and_every_components_options(finstrat, project):
    schema = finstrat("config", "schema").json
    assert {"name", "span", "prices", "strategy"} <= set(schema["required"])
    options = schema["x-components"]
    assert options["signal"]["momentum"]["properties"]["window"]["default"] == 231
    assert "files-prices" in options["market source"]
    assert "files-documents" in options["text source"]


def test_a_verb_without_its_second_word_shows_help_and_ends_with_2(finstrat, project):
    for verb in ("config", "data", "runs", "plugins"):
        ended = finstrat(verb)
        assert ended.code == 2
        assert "Usage: finstrat" in ended.out + ended.err


def test_the_version_is_shown(finstrat):
    from finstrat import __version__

    assert finstrat("--version").out == f"finstrat {__version__}\n"
