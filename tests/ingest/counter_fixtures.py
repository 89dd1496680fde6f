"""Answers in the shape that each platform documents, with invented values.

None of them was recorded from a platform: none can be reached where these tests were written.
Field names come from the documents named here, as of the dates in the modules of the readers.
"""

from __future__ import annotations

from typing import Any

from tests.platform_server import Answer, in_json, page

#: Entity Account, https://docs.joinmastodon.org/entities/Account/ (fields in part).
MASTODON_PATH = "/api/v1/accounts/lookup"


def mastodon(followers: Any = 12_345, **fields: Any) -> Answer:
    return in_json(
        {
            "id": "109876543210",
            "username": "operator",
            "acct": "operator",
            "display_name": "An operator",
            "locked": False,
            "bot": False,
            "created_at": "2022-11-04T00:00:00.000Z",
            "note": "<p>We connect you.</p>",
            "url": "https://social.example/@operator",
            "followers_count": followers,
            "following_count": 3,
            "statuses_count": 77,
            "last_status_at": "2026-10-30",
            "emojis": [],
            "fields": [],
            **fields,
        }
    )


#: Lexicon app.bsky.actor.getProfile, output app.bsky.actor.defs#profileViewDetailed,
#: https://docs.bsky.app/docs/api/app-bsky-actor-get-profile.
BLUESKY_PATH = "/xrpc/app.bsky.actor.getProfile"


def bluesky(followers: Any = 4_321) -> Answer:
    return in_json(
        {
            "did": "did:plc:abcdefghijklmnopqrstuvwx",
            "handle": "operator.example",
            "displayName": "An operator",
            "followersCount": followers,
            "followsCount": 5,
            "postsCount": 66,
            "indexedAt": "2026-10-30T10:00:00.000Z",
            "labels": [],
        }
    )


#: XRPC errors: https://atproto.com/specs/xrpc#error-responses.
def bluesky_error(error: str, message: str) -> Answer:
    return in_json({"error": error, "message": message}, 400)


#: youtube#channelListResponse, https://developers.google.com/youtube/v3/docs/channels/list.
YOUTUBE_PATH = "/youtube/v3/channels"


def youtube(subscribers: str = "1230000", hidden: bool = False) -> Answer:
    return in_json(
        {
            "kind": "youtube#channelListResponse",
            "etag": "x",
            "pageInfo": {"totalResults": 1, "resultsPerPage": 5},
            "items": [
                {
                    "kind": "youtube#channel",
                    "etag": "y",
                    "id": "UCabcdefghijklmnopqrstuv",
                    "statistics": {
                        "viewCount": "998877",
                        "subscriberCount": subscribers,
                        "hiddenSubscriberCount": hidden,
                        "videoCount": "12",
                    },
                }
            ],
        }
    )


def youtube_empty() -> Answer:
    return in_json(
        {"kind": "youtube#channelListResponse", "pageInfo": {"totalResults": 0}, "items": []}
    )


#: https://developers.google.com/youtube/v3/docs/errors.
def youtube_error(code: int, reason: str) -> Answer:
    return in_json(
        {"error": {"code": code, "message": f"refused: {reason}", "errors": [{"reason": reason}]}},
        code,
    )


#: Page node, https://developers.facebook.com/docs/graph-api/reference/page.
def facebook(**fields: int) -> Answer:
    return in_json({**fields, "id": "1234567890"})


#: https://developers.facebook.com/docs/graph-api/guides/error-handling.
def facebook_error(code: int, subcode: int | None = None, status: int = 400) -> Answer:
    error: dict[str, Any] = {"message": "No.", "type": "OAuthException", "code": code}
    if subcode is not None:
        error["error_subcode"] = subcode
    return in_json({"error": {**error, "fbtrace_id": "x"}}, status)


#: Markup of public pages as public scrapers know it; Telegram documents none.
def telegram(extra: str = "12 345 subscribers") -> Answer:
    return page(
        f"""<!DOCTYPE html><html><head><title>Telegram: Contact @operator</title></head><body>
<div class="tgme_page_wrap"><div class="tgme_page">
<div class="tgme_page_photo"><img class="tgme_page_photo_image" src="x.jpg"></div>
<div class="tgme_page_title"><span dir="auto">An operator</span></div>
<div class="tgme_page_extra">{extra}</div>
<div class="tgme_page_description">News<br>12 subscribers won</div>
<div class="tgme_page_action"><a class="tgme_action_button_new" href="tg://x">View</a></div>
</div></div></body></html>"""
    )


def telegram_preview(value: str, kind: str = "subscribers") -> Answer:
    return page(
        f"""<html><body class="tgme_page"><div class="tgme_channel_info_counters">
<div class="tgme_channel_info_counter"><span class="counter_value">{value}</span>
<span class="counter_type">{kind}</span></div><div class="tgme_channel_info_counter">
<span class="counter_value">88</span> <span class="counter_type">photos</span></div>
</div></body></html>"""
    )


def telegram_unknown() -> Answer:
    return page(
        """<html><body><div class="tgme_page"><div class="tgme_icon_user"></div>
<div class="tgme_page_description">If you have <strong>Telegram</strong>, you can contact
<a href="tg://x">@operator</a> right away.</div></div></body></html>"""
    )
