import duckdb, pytest
@pytest.fixture(scope="session")
def full_db():
    with duckdb.connect("/tmp/surv/w.duckdb", read_only=True) as c: yield c
