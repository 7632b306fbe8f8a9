"""axe-core, which finds what keeps people from using a page. The package brings its script; nothing is downloaded."""

from importlib import resources

from selenium.webdriver import Chrome

SCRIPT = resources.files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8")


def violations(browser: Chrome) -> list[str]:
    """What axe finds wrong with the page as it is now: a line for each element, with the rule that it breaks."""
    browser.execute_script(SCRIPT)
    found = browser.execute_async_script("axe.run().then(arguments[0], (error) => arguments[0](String(error)))")
    return [
        f"{rule['id']}: {node['html']}: {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]
