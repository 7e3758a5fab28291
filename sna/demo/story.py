"""What happens in the fictional town of Port-Lune: who posts what, where, when and in answer to whom."""

import random
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

START = datetime(2026, 3, 2, 7, 30)
SEED = 20260302

_FIRST = (
    "anna",
    "basile",
    "celia",
    "dario",
    "elio",
    "fanny",
    "gaspard",
    "hela",
    "ivo",
    "jeanne",
    "kofi",
    "lise",
    "marek",
    "nora",
    "odile",
    "pavel",
    "quentin",
    "rosa",
    "sami",
    "tess",
    "ulla",
    "victor",
    "wanda",
    "yann",
)
_LAST = ("quai", "phare", "marais", "dune", "moulin", "verger", "halle", "pont", "colline", "atelier")

_OPENINGS = (
    "The tram on the Quai des Lunes stops at ten from Monday on. Did anybody know? #TramPortLune",
    "Le tram s'arrête à 22h dès lundi, et personne n'a rien demandé aux habitants. #TramPortLune",
    "Photo of the notice at Halle station: no trams after ten. https://port-lune.example/avis #TramPortLune",
    "Night shift at the hospital ends at eleven. How are we to come home? #TramPortLune",
    "Les commerces du port ferment à 23h. Qui a décidé cet horaire ? #TramPortLune",
)
_ANSWERS = (
    "Same at the Phare stop, the notice went up this morning.",
    "Moi non plus, je n'en savais rien.",
    "Where does this come from? Is there a source?",
    "Oui, l'avis est sur le site: https://port-lune.example/avis",
    "They said so at the council in January, in point 14.",
    "It was a proposal then, not a decision.",
    "Et les bus de nuit ?",
    "The night bus stays, every 40 minutes.",
    "Not true for line B, I asked the driver.",
    "Merci pour l'information.",
    "That is two different lines, please do not mix them up.",
    "Je confirme, ligne A seulement.",
    "Has anybody asked the operator?",
    "I did, no answer yet.",
    "My sister works there, she says the timetable is not final.",
    "Alors attendons le conseil.",
)
_CALLS = (
    "Rendez-vous samedi 14h place de la Halle pour en parler calmement. #TramPortLune",
    "Join us on Saturday at 2 pm, Halle square, with your questions for the council. #TramPortLune",
    "Please share: open meeting about the tram, Saturday, Halle square. https://port-lune.example/reunion",
)
_PUSHED = (
    "Everybody says it: the tram is finished. Read this. https://echo-du-large.example/tram-fini",
    "Le tram, c'est fini. Tout est là. https://echo-du-large.example/tram-fini",
)
_QUOTES = (
    "This is what I mean.",
    "À lire.",
    "Important for the whole harbour quarter.",
    "No. Read the council minutes.",
)


@dataclass(frozen=True, slots=True)
class Told:
    """One post of the story. `answers`, `quotes` and `repeats` name other posts by their key."""

    key: str
    platform: str
    author: str
    at: datetime
    text: str
    answers: str | None = None
    quotes: str | None = None
    repeats: str | None = None
    opening: str | None = None


@dataclass(slots=True)
class Story:
    """All posts in order of time, the ones that were never collected, and the one deleted afterwards."""

    posts: list[Told] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)


def tell_story() -> Story:
    """Return the week in Port-Lune: the same posts at every call."""
    luck = random.Random(SEED)  # noqa: S311 - a story, not a secret
    story = Story()
    for platform, conversations, accounts in (
        ("x", 14, 60),
        ("mastodon", 6, 24),
        ("bluesky", 7, 28),
        ("reddit", 2, 20),
        ("forum", 4, 14),
    ):
        crowd = [f"{luck.choice(_FIRST)}_{luck.choice(_LAST)}{number}" for number in range(accounts)]
        for number in range(conversations):
            _converse(story, luck, platform, crowd, number)
    _push_together(story, luck)
    story.posts.sort(key=lambda post: (post.at, post.key))
    replies = [post for post in story.posts if post.answers and post.platform in ("x", "mastodon", "bluesky")]
    story.lost = {replies[place].answers or "" for place in range(20, len(replies), 45)}
    story.deleted = {next(post.key for post in story.posts if post.platform == "bluesky" and post.answers)}
    return story


def _converse(story: Story, luck: random.Random, platform: str, crowd: list[str], number: int) -> None:
    """Add a conversation: an opening or a call, a tree of answers, some quotes and reposts."""
    at = START + timedelta(minutes=luck.randrange(5 * 24 * 60))
    is_call = number % 4 == 3
    text = luck.choice(_CALLS if is_call else _OPENINGS)
    root = Told(f"{platform}-{number}-0", platform, crowd[luck.randrange(len(crowd) // 3)], at, text)
    told, busy = [replace(root, opening=root.key)], luck.randrange(3, 26)
    for step in range(1, busy + 1):
        above = told[-1] if luck.random() < 0.45 else luck.choice(told)
        at = max(above.at, told[-1].at) + timedelta(seconds=luck.randrange(20, 1500))
        author = told[-2].author if len(told) > 1 and luck.random() < 0.3 else luck.choice(crowd)
        text = luck.choice(_ANSWERS)
        told.append(
            Told(f"{platform}-{number}-{step}", platform, author, at, text, answers=above.key, opening=root.key)
        )
    story.posts += told
    if platform in ("reddit", "forum"):
        return
    for step in range(luck.randrange(2, 12)):
        at = root.at + timedelta(minutes=luck.randrange(3, 900))
        story.posts.append(
            Told(f"{platform}-{number}-r{step}", platform, luck.choice(crowd), at, root.text, repeats=root.key)
        )
    if luck.random() < 0.6 and platform != "mastodon":
        at = root.at + timedelta(minutes=luck.randrange(30, 600))
        key = f"{platform}-{number}-q"
        story.posts.append(
            Told(key, platform, luck.choice(crowd), at, luck.choice(_QUOTES), quotes=root.key, opening=key)
        )


def _push_together(story: Story, luck: random.Random) -> None:
    """Add a group of eight accounts that repost the same five posts, each time within half a minute."""
    group = [f"echo_du_large_{number}" for number in range(8)]
    for wave in range(5):
        at = START + timedelta(hours=9 + 22 * wave, minutes=luck.randrange(50))
        key = f"x-push-{wave}"
        story.posts.append(Told(key, "x", group[wave % 3], at, luck.choice(_PUSHED), opening=key))
        for place, name in enumerate(group):
            later = at + timedelta(seconds=40 + luck.randrange(30))
            story.posts.append(Told(f"{key}-r{place}", "x", name, later, "", repeats=key))
