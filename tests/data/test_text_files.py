import gzip
import json

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from finstrat.data import text_files
from finstrat.data.text_files import TextFile
from finstrat.errors import ConfigError, DataError

EMOJI = "up 🚀 涨"


def read(path, **given):
    batches = list(TextFile(path, **given).batches())
    assert batches[-1].read == 1.0
    rows = [
        row for batch in batches for row in zip(batch.rows, batch.ids, batch.texts, strict=True)
    ]
    bad = [(each.row, each.reason) for batch in batches for each in batch.bad]
    return rows, bad


@pytest.fixture
def write(tmp_path):
    def to(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return to


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_csv_is_read_in_the_encoding_its_first_bytes_show(write, encoding, end):
    lines = ["id,when,Text", f'7,x,"{EMOJI}"', "008,,two\x00nuls", '9,y,"a ""quoted"", line']
    path = write("t.csv", (end.join([*lines, 'end"', ""])).encode(encoding))
    rows, bad = read(path)
    assert rows == [
        (1, "7", EMOJI),
        (2, "008", "two\x00nuls"),
        (3, "9", f'a "quoted", line{end}end'),
    ]
    assert bad == []


def test_the_same_rows_come_from_csv_json_lines_and_parquet(write, tmp_path):
    frame = pd.DataFrame({"id": ["1", None, "3"], "text": [EMOJI, "", "plain, old"]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_json(tmp_path / "t.jsonl", orient="records", lines=True)
    frame.to_parquet(tmp_path / "t.parquet")
    write("t.csv.gz", gzip.compress((tmp_path / "t.csv").read_bytes()))
    write("t.jsonl.gz", gzip.compress((tmp_path / "t.jsonl").read_bytes()))
    expected = [(1, "1", EMOJI), (2, None, ""), (3, "3", "plain, old")]
    for name in ("t.csv", "t.jsonl", "t.parquet", "t.csv.gz", "t.jsonl.gz"):
        assert read(tmp_path / name) == (expected, []), name


def test_bad_rows_of_csv_are_set_aside_and_the_others_stay(write):
    path = write(
        "t.csv",
        b'id,text\n1,good\n2,a,b\n3\n4,caf\xe9\n\n5,"x"y\n6,one\rtwo\n7,caf\xc3\xa9\n\xff,x\n',
    )
    rows, bad = read(path)
    assert rows == [(1, "1", "good"), (7, "7", "café")]
    assert [row for row, _ in bad] == [2, 3, 4, 5, 6, 8]
    reasons = dict(bad)
    assert reasons[2] == "3 cells, the header has 2"
    assert reasons[3] == "1 cells, the header has 2"
    assert reasons[4] == "not UTF-8: byte 0xe9"
    assert "line 7" in reasons[5]
    assert "new-line character seen in unquoted field" in reasons[6]
    assert reasons[8] == "not UTF-8: byte 0xff"


def test_bad_rows_of_json_lines_are_set_aside_and_the_others_stay(write):
    lines = [
        b'{"id": 1, "text": "good", "other": [1, {}]}',
        b'{"id": 2, "text": "broken',
        b"",
        b"[1]",
        b'{"id": 4}',
        b'{"id": 5, "text": 5}',
        b'{"id": [6], "text": "x"}',
        b'{"id": 7, "text": "caf\xe9"}',
        b'{"text": null}',
        b'{"id": 12345678901234567890, "Text": "half an emoji \\ud83d"}',
        b"[" * 100_000,
        b'{"id": "\\ud83d", "text": "x"}',
    ]
    rows, bad = read(write("t.jsonl", b"\n".join(lines)))
    assert rows == [
        (1, "1", "good"),
        (8, None, ""),
        (9, "12345678901234567890", "half an emoji \ud83d"),
    ]
    assert [row for row, _ in bad] == [2, 3, 4, 5, 6, 7, 10, 11]
    reasons = dict(bad)
    assert reasons[3] == "expected an object, got a list"
    assert reasons[4] == 'no "text"'
    assert reasons[5] == '"text" is a number, expected a string'
    assert reasons[6] == '"id" is a list, expected a string or an integer'
    assert reasons[7] == "not UTF-8: byte 0xe9"
    assert reasons[10] == "nested too deeply"


def test_parquet_texts_may_be_of_any_string_type_and_hold_what_is_no_utf8(tmp_path):
    broken = pa.Array.from_buffers(
        pa.string(), 2, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0\3\0\0\0"), pa.py_buffer(b"ok\xe9")]
    )
    kinds = {
        "large": pa.array(["a", "b"], pa.large_string()),
        "dictionary": pa.array(["a", "b"]).dictionary_encode(),
    }
    for name, column in kinds.items():
        pq.write_table(pa.table({"id": [10**17, 2], "text": column}), tmp_path / f"{name}.parquet")
        assert read(tmp_path / f"{name}.parquet")[0] == [(1, str(10**17), "a"), (2, "2", "b")]
    pq.write_table(pa.table({"text": broken}), tmp_path / "broken.parquet")
    rows, bad = read(tmp_path / "broken.parquet")
    assert rows == [(1, None, "ok")]
    assert bad[0][0] == 2
    assert bad[0][1].startswith("not UTF-8")


def test_batches_end_at_a_number_of_rows_or_of_characters(write, monkeypatch):
    monkeypatch.setattr(text_files, "BATCH_ROWS", 10)
    monkeypatch.setattr(text_files, "BATCH_CHARACTERS", 1_000)
    short = write("short.csv", "text\n" + "x\n" * 25)
    long = write("long.csv", "text\n" + ("y" * 600 + "\n") * 5)
    assert [len(each.rows) for each in TextFile(short).batches()] == [10, 10, 5]
    assert [len(each.rows) for each in TextFile(long).batches()] == [2, 2, 1]
    shares = [each.read for each in TextFile(long).batches()]
    assert shares == sorted(shares)


def test_a_megabyte_in_one_cell_is_read_whole(write):
    text = "Profit rose. " * 90_000
    assert read(write("t.csv", f'id,text\n1,"{text}"\n'))[0] == [(1, "1", text)]
    assert read(write("t.jsonl", json.dumps({"text": text})))[0] == [(1, None, text)]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.txt", "text\nx\n", "unknown kind of file"),
        ("t.csv", "", "the file is empty"),
        ("t.csv", "\n\n", "the file is blank"),
        ("t.csv", 'text\nx\n"never closed\ny\n', "a quote is opened on line 3"),
        ("t.csv", "text\nx\n".encode("utf-16-le"), "try --encoding utf-16-le"),
        ("t.csv", "text\nx\n".encode("utf-16-be"), "try --encoding utf-16-be"),
        ("t.csv", "text\nx\n".encode("utf-16")[:-1], "not utf-16"),
        ("t.csv", "text,text\nx,y\n", "2 columns are called text"),
        ("t.csv.gz", "text\nx\n", "can't be read"),
        ("t.csv.gz", gzip.compress(b"text\n" + bytes(range(48, 90)) * 999)[:-90], "can't be read"),
        ("t.parquet", "text\nx\n", "can't be read as parquet"),
    ],
)
def test_what_can_not_be_read_is_refused_in_a_sentence(write, name, content, message):
    with pytest.raises(DataError, match=message):
        read(write(name, content))


def test_a_column_that_is_not_there_is_refused_with_the_nearest(write, tmp_path):
    path = write("t.csv", "id,headline\n1,x\n")
    with pytest.raises(ConfigError, match="no column text; known: headline, id"):
        read(path)
    with pytest.raises(ConfigError, match='no column headlin; did you mean "headline"'):
        read(path, text_column="headlin")
    with pytest.raises(ConfigError, match="--id"):
        read(path, text_column="headline", id_column="key")
    assert read(path, text_column="Headline")[0] == [(1, "1", "x")]
    pd.DataFrame({"text": [1, 2]}).to_parquet(tmp_path / "n.parquet")
    with pytest.raises(DataError, match="column text holds int64, expected strings"):
        read(tmp_path / "n.parquet")


def test_an_encoding_can_be_given(write):
    path = write("t.csv", "text\ncafé\n".encode("latin-1"))
    assert read(path)[1] == [(1, "not UTF-8: byte 0xe9")]
    assert read(path, encoding="latin-1")[0] == [(1, None, "café")]
    with pytest.raises(ConfigError, match="latin-99"):
        read(path, encoding="latin-99")
