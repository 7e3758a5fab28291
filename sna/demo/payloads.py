"""Writes the story in the forms in which each platform hands out its posts."""

import csv
import gzip
import io
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from sna.demo.reports import service_requests
from sna.demo.story import Story, Told

_TAG, _LINK = re.compile(r"#(\w+)"), re.compile(r"https://[^\s]+")


@dataclass(frozen=True, slots=True)
class Material:
    """The files of the case: posts as platforms give them, a forum's table, and a later stream with a deletion."""

    posts: list[Path]
    forum: Path
    stream: Path


def write_material(story: Story, folder: Path) -> Material:
    """Write the story's posts into files of `folder`, the lost ones left out, and return the files."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    names = {post.key: f"{1_900_000_000_000_000_000 + 7_919 * place}" for place, post in enumerate(story.posts)}
    by_key = {post.key: post for post in story.posts}
    told = [post for post in story.posts if post.key not in story.lost]

    def of(platform: str) -> list[Told]:
        return [post for post in told if post.platform == platform]

    files = {
        "x-pages.jsonl.gz": _x_pages(of("x"), by_key, names),
        "mastodon-timeline.json": json.dumps([_status(p, by_key, names) for p in of("mastodon")], indent=1),
        "bluesky-jetstream.jsonl": _lines(
            [_identity(name) for name in sorted({p.author for p in of("bluesky")})]
            + [_event(p, by_key, names) for p in of("bluesky")]
        ),
        "reddit-listing.json": json.dumps(_listing(of("reddit"), names)),
        "city-reports.json": service_requests(),
        "forum.csv": _forum(of("forum"), names),
        "bluesky-later.jsonl": _lines([_deletion(by_key[key], names) for key in sorted(story.deleted)]),
    }
    for name, text in files.items():
        content = text.encode()
        (folder / name).write_bytes(gzip.compress(content, mtime=0) if name.endswith(".gz") else content)
    paths = [folder / name for name in files]
    return Material(paths[:5], paths[5], paths[6])


def _lines(objects: list[dict[str, object]]) -> str:
    return "".join(json.dumps(content, ensure_ascii=False) + "\n" for content in objects)


def _iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _account(name: str) -> str:
    return str(1_000_000_000 + sum(ord(char) * 131**place for place, char in enumerate(name)) % 800_000_000)


def _did(name: str) -> str:
    return f"did:plc:demo{_account(name)}"


def _x_pages(posts: list[Told], by_key: dict[str, Told], names: dict[str, str]) -> str:
    pages: list[dict[str, object]] = []
    for start in range(0, len(posts), 100):
        part = posts[start : start + 100]
        users = sorted({post.author for post in part})
        pages.append(
            {
                "data": [_tweet(post, by_key, names) for post in part],
                "includes": {
                    "users": [{"id": _account(u), "username": u, "name": u.replace("_", " ").title()} for u in users]
                },
                "meta": {"result_count": len(part)},
                "__twarc": {"version": "2.14", "retrieved_at": "2026-03-09T08:00:00+00:00"},
            }
        )
    return _lines(pages)


def _tweet(post: Told, by_key: dict[str, Told], names: dict[str, str]) -> dict[str, object]:
    references = [
        {"type": kind, "id": names[key]}
        for kind, key in (("replied_to", post.answers), ("quoted", post.quotes), ("retweeted", post.repeats))
        if key
    ]
    text, mentions = post.text, []
    if post.answers:
        text = f"@{by_key[post.answers].author} {text}"
        mentions.append(by_key[post.answers].author)
    if post.repeats:
        text = f"RT @{by_key[post.repeats].author}: {by_key[post.repeats].text}"
        mentions.append(by_key[post.repeats].author)
    tweet: dict[str, object] = {
        "id": names[post.key],
        "author_id": _account(post.author),
        "created_at": _iso(post.at),
        "text": text,
        "conversation_id": names[post.opening or post.key],
        "lang": "fr" if re.search(r"[éàèê]|\b(?:le|pour|oui|merci)\b", post.text.lower()) else "en",
        "public_metrics": {"like_count": len(post.key) % 7, "retweet_count": 0, "reply_count": 0, "quote_count": 0},
        "entities": {
            "hashtags": [{"tag": tag} for tag in _TAG.findall(text)],
            "mentions": [{"username": name, "id": _account(name)} for name in mentions],
            "urls": [{"url": "https://t.example/x", "expanded_url": link} for link in _LINK.findall(text)],
        },
    }
    if references:
        tweet["referenced_tweets"] = references
    if post.answers:
        tweet["in_reply_to_user_id"] = _account(by_key[post.answers].author)
    return tweet


def _status(post: Told, by_key: dict[str, Told], names: dict[str, str]) -> dict[str, object]:
    above = by_key[post.answers] if post.answers else None
    account = {
        "id": _account(post.author),
        "acct": post.author,
        "username": post.author,
        "display_name": post.author.title(),
    }
    mentioned = (
        f'<a href="https://lune.example/@{above.author}" class="u-url mention">@{above.author}</a> ' if above else ""
    )
    return {
        "id": names[post.key],
        "created_at": _iso(post.at),
        "in_reply_to_id": names[above.key] if above else None,
        "in_reply_to_account_id": _account(above.author) if above else None,
        "visibility": "public",
        "language": "fr",
        "url": f"https://lune.example/@{post.author}/{names[post.key]}",
        "account": account,
        "content": f"<p>{mentioned}{post.text}</p>" if not post.repeats else "",
        "edited_at": None,
        "replies_count": 0,
        "reblogs_count": 0,
        "favourites_count": 1,
        "reblog": _status(by_key[post.repeats], by_key, names) if post.repeats else None,
        "mentions": [{"id": _account(above.author), "acct": above.author}] if above else [],
        "tags": [{"name": tag} for tag in _TAG.findall(post.text)],
        "card": None,
    }


def _uri(post: Told, names: dict[str, str]) -> str:
    return f"at://{_did(post.author)}/app.bsky.feed.{'repost' if post.repeats else 'post'}/{names[post.key]}"


def _event(post: Told, by_key: dict[str, Told], names: dict[str, str]) -> dict[str, object]:
    record: dict[str, object] = {"createdAt": _iso(post.at)}
    if post.repeats:
        record["subject"] = {"uri": _uri(by_key[post.repeats], names)}
    else:
        record |= {
            "text": post.text,
            "langs": ["en"],
            "facets": [
                {"features": [{"$type": "app.bsky.richtext.facet#tag", "tag": tag}]} for tag in _TAG.findall(post.text)
            ],
        }
    if post.answers:
        opening = by_key[post.opening or post.key]
        record["reply"] = {"parent": {"uri": _uri(by_key[post.answers], names)}, "root": {"uri": _uri(opening, names)}}
    if post.quotes:
        record["embed"] = {"$type": "app.bsky.embed.record", "record": {"uri": _uri(by_key[post.quotes], names)}}
    return _commit(post, names, {"operation": "create", "record": record})


def _identity(name: str) -> dict[str, object]:
    handle = f"{name.replace('_', '-')}.lune.example"
    return {
        "did": _did(name),
        "time_us": 1_772_438_400_000_000,
        "kind": "identity",
        "identity": {"did": _did(name), "handle": handle},
    }


def _deletion(post: Told, names: dict[str, str]) -> dict[str, object]:
    return _commit(post, names, {"operation": "delete"})


def _commit(post: Told, names: dict[str, str], commit: dict[str, object]) -> dict[str, object]:
    collection, key = _uri(post, names).split("/")[3:]
    time = int(post.at.replace(tzinfo=UTC).timestamp() * 1_000_000)
    return {
        "did": _did(post.author),
        "time_us": time,
        "kind": "commit",
        "commit": commit | {"collection": collection, "rkey": key},
    }


def _listing(posts: list[Told], names: dict[str, str]) -> list[dict[str, object]]:
    things = [_thing(post, names) for post in posts]
    return [{"kind": "Listing", "data": {"children": things}}]


def _thing(post: Told, names: dict[str, str]) -> dict[str, object]:
    short = names[post.key][-9:]
    created = post.at.replace(tzinfo=UTC).timestamp()
    common = {"id": short, "author": post.author, "subreddit": "PortLune", "created_utc": created, "score": 3}
    if not post.answers:
        return {
            "kind": "t3",
            "data": common | {"name": f"t3_{short}", "title": post.text, "selftext": "", "is_self": True},
        }
    prefix = "t3" if post.answers == post.opening else "t1"
    return {
        "kind": "t1",
        "data": common
        | {
            "name": f"t1_{short}",
            "body": post.text,
            "parent_id": f"{prefix}_{names[post.answers][-9:]}",
            "link_id": f"t3_{names[post.opening or ''][-9:]}",
            "replies": "",
        },
    }


def _forum(posts: list[Told], names: dict[str, str]) -> str:
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(("post", "topic", "member", "written", "answers", "message"))
    for post in posts:
        local = post.at.replace(tzinfo=UTC).astimezone(ZoneInfo("Europe/Paris"))
        table.writerow(
            (
                names[post.key][-6:],
                names[post.opening or post.key][-6:],
                post.author,
                local.strftime("%Y-%m-%d %H:%M:%S"),
                names[post.answers][-6:] if post.answers else "",
                post.text,
            )
        )
    return text.getvalue()
