"""What axe-core finds on a page."""

from axe_playwright_python.sync_playwright import Axe

SERIOUS = ("serious", "critical")


def serious_findings(page):
    """The serious and critical findings: rule, words and the first places of each."""
    response = Axe().run(page).response
    return [
        (found["id"], found["help"], [node["html"][:120] for node in found["nodes"][:3]])
        for found in response["violations"]
        if found["impact"] in SERIOUS
    ]
