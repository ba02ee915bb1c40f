"""What a picture shows, as pure data."""

from dataclasses import dataclass

RTL_LANGUAGES = frozenset({"ar", "fa", "ur"})


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a country that stand on its pages."""

    shop: str
    restaurant: str
    reviews: str
    cart: str
    bestseller: str
    deal: str
    special: str
    order: str
    days: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tile:
    """One thing on a page, with all that is written beside it; an empty text is not drawn."""

    key: str
    emoji: str
    name: str
    label: str
    count: int = 1
    colour: str | None = None
    amount: float | None = None
    price: str = ""
    old_price: str = ""
    discount: int = 0
    discount_text: str = ""
    rating: float = 0.0
    rating_text: str = ""
    reviews: int = 0
    reviews_text: str = ""
    badge: str = ""
    circled: bool = False
    ticked: bool = False
    slot: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A picture before it is drawn; `target` is the position of the tile that `pick` singles out."""

    layout: str
    pick: str
    heading: str
    country: str
    language: str
    words: Words
    tiles: tuple[Tile, ...]
    target: int
    seed: int

    @property
    def base_language(self) -> str:
        """The language without script or region."""
        return self.language.split("-")[0]

    @property
    def rtl(self) -> bool:
        """Whether the page reads from right to left."""
        return self.base_language in RTL_LANGUAGES
