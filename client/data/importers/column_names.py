"""What columns of users' own tables are called, in English, German, French and Spanish, the surest name first."""

import re
import unicodedata
from collections.abc import Mapping

WORDS: Mapping[str, tuple[str, ...]] = {
    "user_id": (
        *("user_id", "userid", "user", "uid", "customer_id", "customerid", "customer", "client_id", "client", "buyer"),
        *("visitorid", "visitor_id", "visitor", "account_id", "account", "member_id", "member", "reviewerid"),
        *("reviewer_id", "reviewer", "reader_id", "reader", "listener", "viewer", "customer_no", "customer_number"),
        *("kundennummer", "kundennr", "kunden_nr", "kunden_id", "kunde", "kaeufer", "benutzer", "nutzer", "leser"),
        *("mitglied", "besteller", "numero_client", "no_client", "id_client", "acheteur", "utilisateur", "lecteur"),
        *(
            "membre",
            "abonne",
            "id_cliente",
            "cliente_id",
            "cliente",
            "numero_cliente",
            "usuario",
            "comprador",
            "lector",
        ),
        *(
            "user_uuid",
            "customer_uuid",
            "person_id",
            "player_id",
            "subscriber_id",
            "patron_id",
            "username",
            "device_id",
        ),
        *("session_id", "sessionid", "session", "sitzung", "person"),
    ),
    "item_id": (
        *("item_id", "itemid", "item", "iid", "product_id", "productid", "product", "sku", "asin", "article_id"),
        *("articleid", "article", "movieid", "movie_id", "movie", "book_id", "bookid", "isbn", "isbn13", "book", "ean"),
        *("track_id", "artist_id", "song_id", "game_id", "video_id", "film_id", "stockcode", "content_id", "news_id"),
        *("page_id", "post_id", "document_id", "doc_id", "listing_id", "offer_id", "show_id", "recipe_id", "title_id"),
        *("item_uuid", "product_uuid", "asset_id", "course_id", "song", "track", "film", "video", "game", "course"),
        *("business_id", "goods_id", "aid", "item_no", "item_number", "product_no", "product_code", "gtin"),
        *("artikelnummer", "artikelnr", "artikel_nr", "artikel_id", "artikel", "produktnummer", "produkt", "ware"),
        *("buch", "code_article", "ref_article", "reference", "id_article", "produit", "id_produit", "livre"),
        *("id_articulo", "codigo_articulo", "articulo", "id_producto", "producto", "referencia", "codigo", "libro"),
    ),
    "timestamp": (
        *("timestamp", "time", "ts", "datetime", "date", "unix_time", "unixtime", "event_time", "eventtime"),
        *("created_at", "createdat", "created", "event_date", "purchase_date", "order_date", "bought_at", "when"),
        *(
            "event_timestamp",
            "unix_timestamp",
            "epoch",
            "event_ts",
            "occurred_at",
            "logged_at",
            "clicked_at",
            "viewed_at",
        ),
        *("ordered_at", "purchased_at", "rated_at", "rated_on", "read_at", "date_added", "day"),
        *("zeitpunkt", "zeit", "zeitstempel", "datum", "bestelldatum", "kaufdatum", "verkaufsdatum", "belegdatum"),
        *("date_achat", "date_commande", "date_de_commande", "horodatage", "heure", "jour"),
        *("fecha", "fecha_compra", "fecha_pedido", "fecha_hora", "hora", "dia"),
    ),
    "text": (
        *("text", "title", "name", "item_name", "product_name", "description", "product_title"),
        *("bezeichnung", "artikelbezeichnung", "titel", "beschreibung", "produktname", "artikelname"),
        *("titre", "nom", "libelle", "designation", "nom_produit"),
        *("titulo", "nombre", "descripcion", "nombre_producto"),
    ),
    "category": (
        *("category", "genre", "genres", "categories", "department", "kind"),
        *("warengruppe", "kategorie", "abteilung", "sparte", "categorie", "rayon", "famille", "categoria", "familia"),
    ),
}
EXTRA_TEXT = ("brand", "author", "artist", "maker", "genres", "marke", "autor", "marque", "auteur", "marca")
"""What is added to an item's text."""


MOMENTS = r"(?:^|_)(?:time|date|datetime|timestamp|ts|at|on|when|zeit|datum|zeitpunkt|fecha|hora)$"
"""How the plain names of further columns of times end."""
_UNITS = r"_(?:ms|millis|milliseconds|us|micros|ns|s|sec|secs|seconds|utc|gmt)$"
"""What a column of times may say of its unit or zone behind its name."""


def plain(column: str) -> str:
    """A name in small letters without accents, its words apart by underscores: ``eventTime`` as ``event_time``."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", column.strip())
    lowered = apart.lower().translate({ord("ä"): "ae", ord("ö"): "oe", ord("ü"): "ue", ord("ß"): "ss"})
    letters = unicodedata.normalize("NFKD", lowered)
    words = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return re.sub(r"[\s.\-]+", "_", words).strip("_")


def joined(column: str) -> str:
    """A plain name as one word, since some write ``userid`` and some ``user_id``."""
    return plain(column).replace("_", "")


def without_unit(column: str) -> str:
    """The plain name of a column of times without its unit: ``eventTimeMs`` as ``event_time``."""
    return re.sub(_UNITS, "", plain(column))
