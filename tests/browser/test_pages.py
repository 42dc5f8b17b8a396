"""The pages in a real browser: what a person sees, light and dark, wide and narrow, and what axe says about it."""

import shutil

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

PASSWORD = "correct horse battery"
# As root there is no sandbox; nothing here leaves this machine.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
]
LOOKS = [(scheme, width) for scheme in ("light", "dark") for width in (1280, 360)]


@pytest.fixture(scope="session")
def chromium():
    program = shutil.which("chromium")
    assert program, "there is no chromium: run tools/setup"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def person(server, workspace):
    """A user with a password, who may see the workspace and its snapshots."""
    made = server.call("POST", "/api/v1/users", json={"name": "ann", "role": "admin", "password": PASSWORD})
    assert made.status_code == 201, made.text
    return "ann"


class Visit:
    """One page in a context of its own, and everything that went wrong on it."""

    def __init__(self, chromium, server, scheme="light", width=1280):
        self.server = server
        self.context = chromium.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
        self.page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.wrong = []
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", self._console)
        self.page.on("request", self._request)

    def _console(self, message):
        # Nobody is signed in at first, and asking so is how the page finds out.
        if message.type == "error" and "401" not in message.text:
            self.wrong.append(message.text)

    def _request(self, request):
        if not request.url.startswith(self.server.url):
            self.wrong.append(f"a request to {request.url}")

    def open(self, path):
        self.page.goto(self.server.url + path)
        return self.page

    def sign_in(self, name, password):
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()

    def check(self):
        """Nothing failed, nothing is wider than the window, and axe finds nothing."""
        assert self.wrong == []
        wider = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wider <= 0, f"the page is {wider} pixels wider than the window"
        found = Axe().run(self.page).response["violations"]
        assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found] == []


@pytest.fixture
def visit(chromium, server):
    visits = []

    def begin(**look):
        visits.append(Visit(chromium, server, **look))
        return visits[-1]

    yield begin
    for one in visits:
        one.context.close()


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_overview_shows_what_is_kept(visit, person, workspace, scheme, width):
    one = visit(scheme=scheme, width=width)
    page = one.open("/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    one.check()
    one.sign_in(person, PASSWORD)
    expect(page.get_by_text(workspace[1][1]).first).to_be_visible()
    expect(page.locator("#snapshots .state-ready").first).to_be_visible()
    expect(page.locator("#sources")).to_contain_text("example")
    expect(page.locator("#tasks")).to_contain_text("capture")
    expect(page.locator("#events-state")).to_have_text("Live")
    one.check()


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_docs_show_every_operation(visit, server, scheme, width):
    one = visit(scheme=scheme, width=width)
    page = one.open("/api/docs#create_snapshot")
    shown = page.locator("#create_snapshot")
    expect(shown).to_have_attribute("open", "")
    expect(shown).to_contain_text("Idempotency-Key")
    one.check()
    document = server.call("GET", "/api/openapi.json").json()
    operations = sum(len(item) for item in document["paths"].values())
    expect(page.locator("#found")).to_have_text(f"{operations} endpoints")
    page.get_by_label("Path, method or word").fill("restore-plans")
    expect(page.locator("#found")).to_have_text("1 endpoint")


def test_wrong_password_is_told_and_signing_out_ends_the_session(visit, person):
    one = visit()
    page = one.open("/")
    one.sign_in(person, "not the password")
    expect(page.get_by_role("alert")).not_to_be_empty()
    one.check()
    one.sign_in(person, PASSWORD)
    expect(page.get_by_role("heading", name="Newest snapshots")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_what_happens_appears_without_reloading(visit, server, person, workspace):
    one = visit()
    page = one.open("/")
    one.sign_in(person, PASSWORD)
    expect(page.locator("#events-state")).to_have_text("Live")
    label = "seen as it happens"
    saved = server.call("POST", f"/api/v1/workspaces/{workspace[0]}/snapshots?wait=30", json={"label": label})
    assert saved.status_code == 202, saved.text
    expect(page.locator("#events")).to_contain_text("snapshot.created")
    expect(page.locator("#snapshots tr").first).to_contain_text(label)
    one.check()


def test_used_login_link_explains_itself(visit, server):
    users = server.call("GET", "/api/v1/users").json()["users"]
    admin = next(user["id"] for user in users if user["name"] == "admin")
    link = server.call("POST", f"/api/v1/users/{admin}/login-links").json()["path"]
    first = visit()
    expect(first.open(link).get_by_role("heading", name="Newest snapshots")).to_be_visible()
    second = visit()
    expect(second.open(link).get_by_role("heading", name="This link signs nobody in")).to_be_visible()
    second.check()
