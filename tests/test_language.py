"""Language: tokens, languages, rules as data, incremental runs, and trained pipelines where they are installed."""

import sys

import pytest
import spacy

from sna.language import trained
from sna.language.identify import identify
from sna.language.pipeline import Pipeline
from sna.language.rules import read_rules
from sna.language.tokens import LANGUAGES, tokenizer
from tests.conftest import reply, tweet


def spans(language: str, text: str) -> list[tuple[str, str, str | None]]:
    found = Pipeline(read_rules(language), use_trained=False).annotate([text])
    return [
        (label, text[start:stop], state)
        for label, start, stop, state in zip(found.label, found.start, found.stop, found.state, strict=True)
    ]


@pytest.mark.parametrize("language", [*LANGUAGES, "xx"])
def test_hashtags_mentions_emoji_and_links_are_whole(language):
    whole = [
        "#Eau_Sale",
        "@anna_b.bsky.social",
        "@x@m.example",
        "https://a.example/x?y=1",
        "👩🏽‍🚒",
        "🇫🇷",
        "#été2026",
        "#ماء",
    ]
    text = f"({whole[0]}) " + " ".join(whole[1:]) + "! 👍🏽👍🏽"
    tokens = [token.text for token in tokenizer(language)(text)]
    assert set(whole) <= set(tokens)
    assert tokens[-2:] == ["👍🏽", "👍🏽"]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Le tram s'arrête à vingt-deux heures et personne n'a rien demandé", "fr"),
        ("Nobody asked the people of the harbour about the night tram", "en"),
        ("Nadie preguntó a los vecinos del puerto por el tranvía", "es"),
        ("Niemand hat die Leute am Hafen nach der Straßenbahn gefragt", "de"),
        ("Nessuno ha chiesto agli abitanti del porto del tram notturno", "it"),
        ("لم يسأل أحد سكان الميناء عن الترام الليلي", "ar"),
        ("ok #Tram @anna https://a.example/der/die/das 12:30", "und"),
    ],
)
def test_the_language_is_told_and_short_texts_are_left_open(text, language):
    assert identify(text)[0] == language


def test_entities_and_phrases_have_their_words():
    found = spans(
        "fr", "Samedi 14h30 place de la Halle, 300 personnes et le Collectif des Quais pour l'eau potable gratuite"
    )
    assert ("time", "Samedi 14h30", None) in found
    assert ("place", "place de la Halle", None) in found
    assert ("quantity", "300 personnes", None) in found
    assert any(label == "organisation" for label, _, _ in found)
    assert ("phrase", "eau potable gratuite", None) in found


@pytest.mark.parametrize(
    ("language", "text", "label", "state"),
    [
        ("fr", "Rendez-vous samedi 14h place de la Halle", "call:meet", "asserted"),
        ("fr", "Ne partagez pas cette rumeur", "call:spread", "negated"),
        ("fr", "N'achetez plus chez Grandcoin", "call:stop", "asserted"),
        ("en", "Please do not share this", "call:spread", "negated"),
        ("en", "The council urged residents to donate blood today", "call:give", "reported"),
        ("en", "Join us tonight at the library", "call:meet", "asserted"),
        ("es", "Comparte este mensaje por favor", "call:spread", "asserted"),
        ("es", "No compartas este mensaje", "call:spread", "negated"),
        ("de", "Bitte unterschreibt die Petition", "call:sign", "asserted"),
        ("de", "Treffpunkt Samstag 14 Uhr am Bahnhof", "call:meet", "asserted"),
        ("it", "Ci vediamo sabato alle 18 in piazza", "call:meet", "asserted"),
        ("it", "Firmate la petizione", "call:sign", "asserted"),
        ("ar", "شاركوا هذا الخبر", "call:spread", "asserted"),
        ("ar", "تبرعوا بالدم اليوم", "call:give", "asserted"),
    ],
)
def test_calls_and_what_becomes_of_them(language, text, label, state):
    assert [(found, how) for found, _, how in spans(language, text) if found.startswith("call:")] == [(label, state)]


def test_text_without_accents_is_read_like_text_with_them():
    assert spans("fr", "signez la petition svp")[0] == ("call:sign", "signez la petition", "asserted")


def test_a_run_reads_what_is_new_edited_or_read_by_other_rules(case, write, tmp_path):
    old = tweet("1", text="Please share", lang="en", edit_history_tweet_ids=["1"])
    case.import_files([write(old, tweet("2", text="Nobody asked the people of the harbour"), tweet("3", text=""))])
    first = case.read_texts()
    assert (first.posts, first.identified) == (3, 1)
    assert case.read_texts().posts == 0
    edited = old | {"text": "Please sign the petition", "created_at": "2026-03-01T12:00:00.000Z"}
    with case._writer() as store:
        store.db.execute("UPDATE post SET seen_at = seen_at - INTERVAL 1 DAY")
    case.import_files([write(edited, name="later.jsonl")])
    assert case.read_texts().posts == 1
    assert case.texts("calls")[0]["call"].to_list() == ["sign"]
    rules = tmp_path / "ours.toml"
    rules.write_text(
        'language = "en"\n[[rule]]\nname = "spread.harbour"\nlabel = "call:spread"\npatterns = ["the harbour"]\n'
    )
    assert case.read_texts([rules]).posts == 2
    assert sorted(case.texts("calls")[0]["rule"]) == ["sign.imperative", "spread.harbour"]


def test_what_was_read_goes_with_the_post(case, write):
    case.import_files([write(tweet("1", text="Please share this"), reply("2", "1"))])
    case.read_texts()
    case.import_files([write({"delete": {"status": {"id_str": "1", "id": 1, "user_id": 1}}}, name="d.jsonl")])
    with case._reader() as store:
        assert store.rows("SELECT DISTINCT post FROM span UNION SELECT post FROM post_language") == store.rows(
            "SELECT post FROM post"
        )


def test_an_interrupted_run_goes_on_where_it_stopped(case, write, monkeypatch):
    from sna.language import run

    case.import_files([write(*(tweet(str(n), text="Please share this") for n in range(10)))])
    monkeypatch.setattr(run, "CHUNK", 4)

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        case.read_texts(progress=stop)
    again = case.read_texts()
    assert (again.posts, again.kept) == (6, 4)
    assert case.texts("calls")[0].height == 10


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("language = 'xy'", "language is one of"),
        ("language = 'fr'\nmood = 1", "unknown key"),
        ("[[rule]", "cannot be read"),
        ("language = 'fr'\n[[rule]]\nlabel = 'time'\npatterns = ['x']", "no name"),
        ("language = 'fr'\n[[rule]]\nname = 'a'\nlabel = 'danger'\npatterns = ['x']", "label is one of"),
        ("language = 'fr'\n[[rule]]\nname = 'a'\nlabel = 'time'\npatterns = []", "list of texts"),
        ("language = 'fr'\n[[rule]]\nname = 'a'\nlabel = 'time'\npatterns = ['<nothing>']", "no list"),
        ("language = 'fr'\n[[rule]]\nname = 'a'\nlabel = 'time'\npatterns = ['... *']", "needs a word"),
        ("language = 'fr'\n[[rule]]\nname = 'a'\nlabel = 'time'\npatterns = ['(a+)+$?!<']", "no element"),
        ("language = 'fr'\n[[rule]]\nname = 'a'\nlabel = 'time'\npatterns = ['x']\nreach = -1", "reach"),
        (
            "language = 'fr'\n[[rule]]\nname = 'a'\nlabel = 'time'\nneeds = ['mood']\npatterns = ['x']",
            "needs",
        ),
    ],
)
def test_a_file_of_rules_that_cannot_be_is_told(case, run, tmp_path, content, told):
    path = tmp_path / "rules.toml"
    path.write_text(content)
    ran = run("language", "run", "--rules", path, case=case)
    assert ran.code == 2
    assert told in ran.err
    assert len(ran.err.splitlines()) == 1


def test_a_pattern_that_would_backtrack_ends_in_bounded_time():
    text = "go " * 3000
    assert isinstance(spans("en", text), list)


@pytest.mark.parametrize("text", ["", " ", "\u202e[/foo]<script>", "a" * 20_000, "😀" * 500, "\u200d\u200d", "#", "@"])
def test_hostile_texts_are_read(text):
    for language in (*LANGUAGES, "xx"):
        spans(language, text)


def test_without_a_run_the_commands_say_what_to_do(case, run):
    ran = run("language", "show", "calls", case=case)
    assert ran.code == 2
    assert "sna language run" in ran.err
    assert run("language", "show", "moods", case=case).code == 2


def test_the_command_shows_what_it_found(case, write, run):
    case.import_files([write(tweet("1", text="Please share this \x1b[31m now"))])
    done = run("language", "run", "--json", case=case).json()
    assert (done["posts"], done["pipelines"]) == (1, {"rules en": 1})
    shown = run("language", "show", case=case).out
    assert "spread" in shown
    assert "\x1b" not in shown
    for what in ("languages", "entities", "phrases"):
        assert run("language", "show", what, "--json", case=case).json()[what] is not None


@pytest.fixture
def english_model(tmp_path, monkeypatch):
    """A small pipeline saved and installed as en_core_web_sm, as `spacy download` would."""
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "GPE", "pattern": "Port-Lune"}])
    nlp.meta.update(name="core_web_sm", version="3.8.0")
    package = tmp_path / "site/en_core_web_sm"
    package.mkdir(parents=True)
    nlp.to_disk(package / "data")
    (package / "__init__.py").write_text(
        "import pathlib, spacy\n__version__ = '3.8.0'\n"
        "def load(**options):\n    return spacy.load(pathlib.Path(__file__).parent / 'data', **options)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setattr(spacy.util, "get_installed_models", lambda: ["en_core_web_sm"])
    monkeypatch.setattr(spacy.util, "is_package", lambda name: name == "en_core_web_sm")
    trained.find_trained.cache_clear()
    yield
    trained.find_trained.cache_clear()
    sys.modules.pop("en_core_web_sm", None)


def test_a_trained_pipeline_is_used_where_it_is_installed_and_named(case, write, english_model):
    case.import_files([write(tweet("1", text="Please share: no tram in Port-Lune tonight", lang="en"))])
    assert case.read_texts(use_trained=False).pipelines == {"rules en": 1}
    done = case.read_texts()
    assert done.pipelines == {"en_core_web_sm 3.8.0": 1}
    entities = case.texts("entities")[0]
    assert entities.select("label", "words").rows() == [("place", "port-lune")]
    assert case.texts("calls")[0]["call"].to_list() == ["spread"]
    assert case.texts("languages")[0]["pipeline"].to_list() == ["en_core_web_sm 3.8.0"]


def test_the_demo_has_calls_in_two_languages(own_lune):
    own_lune.read_texts()
    calls = own_lune.texts("calls")[0]
    assert {"meet", "spread"} <= set(calls["call"])
