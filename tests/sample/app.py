"""A page that counts its visitors."""

from bottle import Bottle, run

app = Bottle()
visits = 0


@app.get("/")
def page() -> str:
    global visits
    visits += 1
    return greeting(visits)


def greeting(count: int) -> str:
    return f"Hello, visitor {count}\n"


if __name__ == "__main__":
    run(app, host="0.0.0.0", port=8080, quiet=True)
