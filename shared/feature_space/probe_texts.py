"""The fixed probe list: texts whose vectors identify a feature space, the same list everywhere and for ever."""

PROBE_TEXTS = (
    "wireless gaming headset with microphone for pc and console",
    "The Lord of the Rings: The Fellowship of the Ring (2001) adventure fantasy",
    "white hanging heart t-light holder",
    "organic shampoo for dry hair, 500 ml",
    "Senate passes budget bill after late night vote politics",
    "stainless steel hex bolts M8 x 40, pack of 50",
    "wooden train set for children aged 3 and up",
    "yoga mat non slip 6 mm with carrying strap",
    "$50 gift card in a greeting box",
    "Röyksopp & Sigur Rós",
    "日本語のニュース 経済",
    "x",
)
