import csv
import json


def test_sweep_prints_the_best_with_the_verdict_and_leaves_its_files(finstrat, project):
    told = finstrat(
        *("sweep", "small", "--grid", "strategy.k=2,3", "--grid", "costs.fee_bps=0,5"),
    )
    assert told.code == 0, told
    assert "configurations: 4 ok" in told.out
    assert "Inconclusive: of 4 configurations the best" in told.out
    (path,) = (project / "runs").glob("small-sweep-*")
    assert {"sweep.html", "sweep.json", "sweep.csv", "returns.parquet"} <= {
        each.name for each in path.iterdir()
    }
    with (path / "sweep.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["strategy.k"], row["costs.fee_bps"]) for row in rows] == [
        *(("2", "0"), ("2", "5"), ("3", "0"), ("3", "5"))
    ]


def test_sweep_as_json_is_the_file(finstrat, project):
    told = finstrat("sweep", "small", "--grid", "strategy.k=2,3", "--json")
    (path,) = (project / "runs").glob("small-sweep-*/sweep.json")
    assert told.json == json.loads(path.read_text(encoding="utf-8"))
    assert told.json["grid"] == {"strategy.k": [2, 3]}


def test_sweep_without_a_grid_or_of_what_may_not_vary_is_a_usage_error(refused, project):
    assert "say what to vary" in refused(2, "sweep", "small")
    assert "the span are the same" in refused(2, "sweep", "small", "--grid", "span.end=2016-01-04")
    assert "expected a size" in refused(
        *(2, "sweep", "small", "--grid", "strategy.k=2", "--memory", "lots")
    )
