"""From the form to the end of a search."""

import re

from playwright.sync_api import Page, expect

from caviar import Client
from tests.support.page_server import PATIENCE, SEARCH, Server


def test_a_search_submitted_by_the_form_is_watched_to_its_end(page: Page) -> None:
    page.goto("/new?example=digits")
    page.get_by_label("Name", exact=True).fill("from the form")
    page.get_by_label("Strategy").select_option("random")
    page.get_by_label("Number of trials").fill("6")
    page.get_by_label("Fixed settings").fill("epochs: 2\nhidden_layers: 1\noptimizer: adam")
    expect(page.get_by_label("The search as YAML")).to_have_value(re.compile("name: from the form"))
    page.get_by_role("button", name="Start the search").click()

    expect(page).to_have_url(re.compile(r"/searches/\d+$"))
    expect(page.get_by_role("heading", name="from the form")).to_be_visible()
    expect(page.locator(".pagehead .chip")).to_have_text("completed", timeout=PATIENCE)
    expect(page.get_by_role("region", name="Best trials").locator("tbody tr")).to_have_count(6)
    expect(page.get_by_role("progressbar", name=re.compile("Progress"))).to_have_attribute(
        "aria-valuenow", "100"
    )


def test_the_form_says_what_is_wrong_beside_the_field_and_how_to_mend_it(page: Page) -> None:
    page.goto("/new?example=digits")
    low = page.get_by_label("Lowest learning rate")
    low.fill("5")
    row = page.locator('.spacerow[data-field="space.learning_rate"]')
    expect(row.locator(".fielderror")).to_contain_text("low 5 is not below high 0.1")
    expect(row.locator(".remedy")).to_contain_text("Swap them")
    expect(low).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("button", name="Start the search")).to_be_disabled()
    low.fill("0.001")
    expect(page.locator(".fielderror")).to_have_count(0)
    expect(page.get_by_role("button", name="Start the search")).to_be_enabled()


def test_yaml_pasted_fills_the_form(page: Page) -> None:
    page.goto("/new?example=digits")
    page.get_by_label("The search as YAML").fill(
        "name: pasted\ndataset: {name: wine}\nspace:\n"
        "  momentum: {scale: one_minus_log, low: 0.8, high: 0.99}\nbudget: {trials: 3}\n"
    )
    expect(page.get_by_label("Name", exact=True)).to_have_value("pasted")
    expect(page.get_by_label("Scale of momentum")).to_have_value("one_minus_log")
    expect(page.get_by_text("half of the draws above .9553")).to_be_visible()


def test_choices_of_every_kind_and_fixed_values_are_edited(page: Page) -> None:
    page.goto("/new?example=digits")
    yaml = page.get_by_label("The search as YAML")
    yaml.fill(
        "name: kinds\ndataset: {name: wine}\nspace:\n  hidden_units: {choices: [[8], [16, 8], 32]}\n"
        '  optimizer: {choices: [adam, "8", "a, b", null, true]}\n  activation: {value: relu}\n'
        "  l2: {scale: log, low: 0.05, high: 0.2}\nbudget: {trials: 3}\n"
    )
    units, kinds = page.get_by_label("Choices of hidden units"), page.get_by_label("Choices of optimizer")
    expect(units).to_have_value("[8], [16,8], 32")
    units.fill("[8], [16,8], [4, 4, 4], 32")
    expect(yaml).to_have_value(re.compile(r"choices: \[\[8\], \[16, 8\], \[4, 4, 4\], 32\]"))
    expect(kinds).to_have_value('adam, "8", "a, b", null, true')
    kinds.fill('adam, "8", "a, b", null, true, two words')
    expect(yaml).to_have_value(re.compile(r'"8", "a, b", null, true, "?two words"?\]'))
    expect(page.get_by_label("Scale of activation")).to_have_value("value")
    page.get_by_label("Value of activation").fill("tanh")
    expect(yaml).to_have_value(re.compile(r"activation: \{value: tanh\}"))
    page.get_by_label("Scale of l2").select_option("value")
    expect(yaml).to_have_value(re.compile(r"l2: \{value: 0.05\}"))
    expect(page.locator(".fielderror")).not_to_have_count(0)  # the trainer knows no "two words"


def test_fixed_settings_are_edited_without_loss(page: Page) -> None:
    page.goto("/new?example=digits")
    yaml, settings = page.get_by_label("The search as YAML"), page.get_by_label("Fixed settings")
    yaml.fill(
        "name: kinds\ndataset: {name: wine}\nspace:\n  patience: {choices: [null, 5]}\n"
        "  l2: {low: 0, high: 1, when: {patience: null}}\nbudget: {trials: 3}\n"
        "settings: {epochs: 2000, learning_rate: 0.0123456, hidden_units: [64, 32], batch_size: null}\n"
    )
    expect(settings).to_have_value(
        "epochs: 2000\nlearning_rate: 0.0123456\nhidden_units: [64,32]\nbatch_size: null"
    )
    settings.press("Control+End")
    settings.press_sequentially("\nkeep_prob: .5\noptimizer: adam")
    written = (
        "epochs: 2000",
        "learning_rate: 0.0123456",
        "batch_size: null",
        "keep_prob: 0.5",
        "optimizer: adam",
    )
    for text in (*written, r"when: \{patience: null\}"):
        expect(yaml).to_have_value(re.compile(text))
    expect(page.locator(".fielderror")).to_have_count(0)


def test_a_point_by_hand_starts_from_the_best_whatever_its_kinds(page: Page, server: Server) -> None:
    space = {
        "n": {"type": "int", "low": 2, "high": 3},
        "w": {"low": 0, "high": 1, "each": "n"},
        "units": {"choices": [[8], [16, 8], "8"]},
        "fixed": {"value": "relu"},
    }
    best = {"n": 2, "w": [0.25, 0.75], "units": [16, 8], "fixed": "relu"}
    fields = {"trainer": "external", "settings": {}, "space": space, "enqueued": [best]}
    with Client(server.url) as client:
        search = client.submit(SEARCH | fields | {"name": "by hand", "budget": {"trials": 2}, "parallel": 1})
        for trial in client.ask(search.id):
            trial.complete(dev_error=0.1)
            break
        page.goto(f"/searches/{search.id}?view=trials")
        page.get_by_role("button", name="Add a trial").click()
        weights = page.locator("#point-w")
        expect(weights).to_have_value("0.25, 0.75")
        weights.fill("0.25, 0.5")
        page.get_by_role("button", name="Add trial").click()
        expect(page.get_by_text("Added. It runs")).to_be_visible()
        again = next(client.ask(search.id))
        assert again.params == best | {"w": [0.25, 0.5]}
        again.complete(dev_error=0.2)


def test_text_that_is_no_yaml_is_refused_in_words(page: Page, complaints: list[str]) -> None:
    page.goto("/new?example=digits")
    page.get_by_label("The search as YAML").fill("name: [unclosed")
    expect(page.locator(".sidebar .problem")).to_contain_text("line 2, column 1: did not find")
    complaints.clear()  # the browser itself reports the answer 422


def test_a_file_uploaded_is_shown_and_searched_on(page: Page, complaints: list[str]) -> None:
    rows = "\n".join(f"{i},{(i * 7) % 13},{'yes' if i % 2 else 'no'}" for i in range(60))
    page.goto("/datasets")
    page.get_by_label("Name", exact=True).fill("answers")
    page.locator("#upload-file").set_input_files(
        {"name": "answers.csv", "mimeType": "text/csv", "buffer": f"a,b,answer\n{rows}\n".encode()}
    )
    expect(page).to_have_url(re.compile(r"/datasets/\d+$"))
    expect(page.get_by_role("heading", name="answers")).to_be_visible()
    expect(page.get_by_label("Summary")).to_contain_text("classification")
    expect(page.get_by_role("region", name="First rows").locator("tbody tr").first).to_contain_text("no")

    page.get_by_role("link", name="Start a search").click()
    expect(page.get_by_label("Data set")).to_have_value("answers")
    page.get_by_label("Strategy").select_option("random")
    page.get_by_label("Number of trials").fill("3")
    page.get_by_label("Fixed settings").fill("epochs: 2")
    page.get_by_role("button", name="Start the search").click()
    expect(page.locator(".pagehead .chip")).to_have_text("completed", timeout=PATIENCE)

    page.goto("/datasets")
    page.get_by_role("link", name="answers", exact=True).click()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete permanently").click()
    expect(page.locator(".toast.bad")).to_contain_text(re.compile("answers.*search"))
    complaints.clear()  # the browser itself reports the answer 409


def test_problems_of_a_file_are_mended_by_their_buttons(page: Page, complaints: list[str]) -> None:
    rows = "\n".join(
        f"2026-01-{1 + i % 28:02d},{'lost' if i == 7 else i * 1.5},{504456.8 + i},{'yes' if i % 2 else 'no'}"
        for i in range(60)
    )
    page.goto("/datasets")
    page.locator("#upload-file").set_input_files(
        {"name": "dated.csv", "mimeType": "text/csv", "buffer": f"day,weight,price,sold\n{rows}\n".encode()}
    )
    problems = page.locator(".problem li")
    expect(problems).to_have_count(2)
    expect(problems.first).to_contain_text("list it in dataset.ignore")
    problems.first.get_by_role("button", name="Use day as a date").click()
    problems.first.get_by_role("button", name="Ignore day").click()  # another thought of the same problem
    expect(problems.first.get_by_role("button", pressed=True)).to_have_text(["Ignore day"])
    page.get_by_role("button", name="Send dated.csv again").click()
    expect(problems).to_have_count(1)
    expect(page.get_by_role("button", name="Remove: Ignore day")).to_be_visible()
    problems.get_by_role("button", name="Treat “lost” as missing").click()
    complaints.clear()  # the browser itself reports the answers 422
    page.get_by_role("button", name="Send dated.csv again").click()
    expect(page).to_have_url(re.compile(r"/datasets/\d+$"))
    expect(page.get_by_role("heading", name="dated")).to_be_visible()
    expect(page.get_by_role("region", name="First rows").locator("tbody tr").first).to_contain_text(
        "504456.8"
    )
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete permanently").click()
    expect(page).to_have_url(re.compile(r"/datasets$"))
    expect(page.get_by_role("link", name="digits", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="dated", exact=True)).to_have_count(0)


def test_the_form_offers_what_the_server_knows_with_its_settings(page: Page, server: Server) -> None:
    schemas = server.call("/openapi.json")["components"]["schemas"]
    spec = schemas["SearchSpec"]["properties"]
    page.goto("/new")
    for title, part in (("Strategy", "strategy"), ("Stop bad trials early", "stopping")):
        assert sorted(_offered(page, title)) == sorted(spec[part]["discriminator"]["mapping"])
    assert _offered(page, "Scale of l2") == [
        *schemas["Range"]["properties"]["scale"]["enum"],
        "choices",
        "value",
    ]

    page.get_by_label("Stop bad trials early").select_option("threshold")
    refused = page.locator(".fielderror")
    expect(refused.first).to_be_visible()  # it has no bound yet
    page.get_by_label("Bound").fill("0.4")
    page.get_by_label("Warmup").fill("3")
    expect(refused).to_have_count(0)
    expect(page.get_by_label("The search as YAML")).to_have_value(
        re.compile(r"stopping:\n  name: threshold\n  bound: 0\.4\n  warmup: 3\n")
    )


def _offered(page: Page, label: str) -> list[str]:
    values: list[str] = page.get_by_label(label).evaluate(
        "field => [...field.options].map((one) => one.value)"
    )
    return values


def test_metrics_weights_and_threshold_have_fields(page: Page) -> None:
    page.goto("/new?example=digits")
    yaml = page.get_by_label("The search as YAML")
    yaml.fill(
        "name: rare\ndataset: {name: breast_cancer}\nsettings: {epochs: 2, threshold: dev}\n"
        "space: {learning_rate: {scale: log, low: 0.001, high: 0.1}}\nbudget: {trials: 2}\n"
    )
    expect(page.get_by_label("Decision threshold")).to_have_value("dev")
    page.get_by_label("Metric", exact=True).select_option("dev_f1")
    page.get_by_label("Further metrics").fill("dev_roc_auc, predict_ms")
    page.get_by_label("Positive class").fill("malign")
    page.get_by_label("Positive class").press("Tab")
    expect(page.locator(".fielderror")).to_contain_text("malignant")
    page.get_by_label("Positive class").fill("malignant")
    page.get_by_label("Positive class").press("Tab")
    page.get_by_label("Class weight").fill("balanced")
    page.get_by_label("Class weight").press("Tab")
    for written in ("metric: dev_f1", "dev_roc_auc", "positive_class: malignant", "class_weight: balanced"):
        expect(yaml).to_have_value(re.compile(written))
    expect(yaml).not_to_have_value(re.compile("direction"))
    expect(page.get_by_role("button", name="Start the search")).to_be_enabled()


def test_more_training_data_keeps_a_number_that_ends_a_name(page: Page) -> None:
    page.goto("/new?example=digits")
    module = "document.querySelector('script[type=module]').src.replace('app.js', 'pages/new-folds.js')"
    text = "made-up 0.3, web, sales 2025, sales 2025 .5"
    found = page.evaluate(f"async (text) => (await import({module})).readMore(text)", text)
    assert found == [
        {"name": "made-up", "share": 0.3},
        {"name": "web"},
        {"name": "sales 2025"},
        {"name": "sales 2025", "share": 0.5},
    ]
    written = page.evaluate(f"async (sources) => (await import({module})).writtenMore(sources)", found)
    assert written == text.replace(" .5", " 0.5")


def test_resources_and_the_model_to_start_from_have_fields(page: Page) -> None:
    page.goto("/new?example=digits")
    yaml = page.get_by_label("The search as YAML")
    page.get_by_text("What a trial needs of a machine").click()
    page.get_by_label("GPUs").fill("0.5")
    page.get_by_label("Other resources").fill("fast_disk=2, licence")
    expect(yaml).to_have_value(re.compile(r"gpus: 0.5\n +custom: {fast_disk: 2, licence: 1}"))
    page.get_by_label("Other resources").fill("cpu=2")
    expect(page.locator(".fielderror")).to_contain_text("has a meaning of its own")
    page.get_by_label("Other resources").fill("")
    start = page.get_by_label("Start from the model of")
    start.fill("9999.3")
    expect(page.locator(".fielderror")).to_contain_text("9999.3")
    start.blur()
    expect(page.get_by_label("Fixed settings")).to_have_value(re.compile(r"init_from: .?9999\.3"))
    start.fill("")
    start.blur()
    expect(page.get_by_label("Fixed settings")).not_to_have_value(re.compile("init_from"))
    expect(page.get_by_role("button", name="Start the search")).to_be_enabled()
    yaml.fill("name: given\ndataset: {name: wine}\nresources: {cpus: 2}\nspace: {l2: {low: 0.1, high: 1}}\n")
    expect(page.get_by_label("CPUs", exact=True)).to_have_value("2")
