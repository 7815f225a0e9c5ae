"""The menus of the sample's merchants, the most popular one first, and what their customers write.

The ids and tiers are those of manifests/samples/merchantroute.yaml. Prices are integer cents.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Merchant:
    """One merchant: its id, its sales tax in hundredths of a percent, its menu and its extras (name, cents)."""

    id: str
    tax: int
    menu: tuple[tuple[str, int], ...]
    extras: tuple[tuple[str, int], ...]


MERCHANTS = (
    Merchant(
        "burger-hut",
        875,
        (("Cheeseburger", 899), ("Double bacon burger", 1249), ("Fries", 399), ("Milkshake", 549)),
        (("extra cheese", 100), ("no onions", 0), ("bacon", 175)),
    ),
    Merchant(
        "taco-town",
        825,
        (("Taco al pastor", 425), ("Quesadilla", 850), ("Horchata", 375), ("Jalapeños en escabeche", 250)),
        (("guacamole", 150), ("sin cilantro", 0), ("salsa picante", 50)),
    ),
    Merchant(
        "pizza-planet",
        875,
        (("Margherita", 1195), ("Quattro formaggi", 1495), ("Insalata verde", 750), ("Tiramisù", 650)),
        (("bufala", 250), ("thin crust", 0), ("'nduja", 200)),
    ),
    Merchant(
        "noodle-house",
        700,
        (("牛肉面", 1150), ("炒面", 995), ("锅贴", 750), ("豆浆", 325)),
        (("加辣", 0), ("卤蛋", 150), ("不要香菜", 0)),
    ),
    Merchant(
        "sushi-sun",
        1000,
        (("鮭の握り", 650), ("カリフォルニアロール", 895), ("味噌汁", 350), ("枝豆", 450)),
        (("わさび抜き", 0), ("生姜", 50), ("大盛り", 200)),
    ),
    Merchant(
        "curry-corner",
        500,
        (("पनीर मक्खनी", 1095), ("दाल तड़का", 895), ("नान", 275), ("लस्सी", 395)),
        (("तीखा", 0), ("बिना प्याज़", 0), ("घी", 75)),
    ),
    Merchant(
        "falafel-fox",
        1700,
        (("فلافل", 650), ("حمص", 550), ("تبولة", 600), ("شاي بالنعناع", 275)),
        (("بدون بصل", 0), ("طحينة", 100), ("خبز", 75)),
    ),
    Merchant(
        "bagel-bros",
        888,
        (("Everything bagel", 325), ("Lox and schmear", 1195), ("Cold brew", 475), ("Rugelach", 350)),
        (("toasted", 0), ("capers", 75), ("scallion cream cheese", 225)),
    ),
    Merchant(
        "pho-point",
        800,
        (("Phở bò tái", 1250), ("Bún chả", 1195), ("Gỏi cuốn", 695), ("Cà phê sữa đá", 475)),
        (("không hành", 0), ("thêm bò", 300), ("ớt tươi", 0)),
    ),
    Merchant(
        "dosa-den",
        500,
        (("मसाला डोसा", 850), ("इडली", 495), ("उत्तपम", 795), ("फ़िल्टर कॉफ़ी", 295)),
        (("नारियल की चटनी", 50), ("मिर्च कम", 0), ("घी", 75)),
    ),
    Merchant(
        "pierogi-place",
        800,
        (("Pierogi ruskie", 995), ("Żurek", 650), ("Вареники с вишней", 895), ("Борщ", 700)),
        (("śmietana", 75), ("bez cebuli", 0), ("шкварки", 150)),
    ),
    Merchant(
        "arepa-alley",
        925,
        (("Arepa reina pepiada", 950), ("Tequeños", 750), ("Cachapa con queso", 1050), ("Papelón con limón", 350)),
        (("aguacate", 150), ("queso de mano", 175), ("sin ají", 0)),
    ),
    Merchant(
        "crepe-cart",
        550,
        (("Crêpe au sucre", 550), ("Galette complète", 1050), ("Crêpe à la crème de marron", 725), ("Cidre", 600)),
        (("chantilly", 100), ("sans gluten", 150), ("œuf en plus", 125)),
    ),
    Merchant(
        "waffle-works",
        600,
        (("Brusselse wafel", 750), ("Luikse wafel", 650), ("Warme chocolademelk", 450), ("Crème glacée", 395)),
        (("slagroom", 100), ("aardbeien", 175), ("geen suiker", 0)),
    ),
)

TIERS = {
    "enterprise": ("burger-hut", "taco-town", "pizza-planet", "noodle-house"),
    "standard": ("curry-corner", "sushi-sun", "bagel-bros", "falafel-fox", "pho-point"),
    "longtail": ("crepe-cart", "dosa-den", "pierogi-place", "waffle-works", "arepa-alley"),
}

NOTES = (
    "Ring the bell twice, please.",
    "Bitte beim Nachbarn klingeln – Grüße, Jürgen",
    "Laissez-le devant la porte, s'il vous plaît. Merci !",
    "¿Podrían incluir cubiertos? ¡Gracias!",
    "Proszę nie dzwonić, dziecko śpi. Dziękuję!",
    "اتركه عند الباب من فضلك",
    "من فضلكم، بدون أدوات بلاستيكية",
    "कृपया घंटी न बजाएँ, बच्चा सो रहा है",
    "दरवाज़े पर छोड़ दें, धन्यवाद",
    "请放在门口，谢谢",
    "不要放葱，多放辣椒",
    "玄関前に置いてください。よろしくお願いします。",
    "箸を二膳お願いします",
    "Оставьте у двери, пожалуйста",
    "Домофон не работает, позвоните",
    "Birthday! 🎂🎉 Please add a candle 🕯️",
    "👨‍👩‍👧 allergic to 🥜",
    "Apartment 4½ — code #1234*",
    'He said "extra napkins", \\ or else.',
)

NAMES = (
    "Ana Núñez",
    "Björn Åkesson",
    "Łucja Wójcik",
    "أمينة حداد",
    "अनिता शर्मा",
    "王小明",
    "佐藤 花子",
    "Игорь Ершов",
    "Nguyễn Thị Hoa",
    "Sam O'Neil",
)
