"""Articles of the press and of blogs from their feeds: RSS 0.9 to 2.0, Atom, RDF.

Read by feedparser 6, which follows https://www.rssboard.org/rss-specification and RFC 4287.
Not verified live.
"""
