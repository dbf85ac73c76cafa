"""Sentences nobody has said before: a small grammar with more than 1,000 words.

The words were chosen for their sounds (all phonemes of English occur, the rare ones in several
words) and, where possible, for a spelling that can be learnt from little speech.
"""

from collections.abc import Iterator

import numpy as np

_WORDS: dict[str, str] = {
    "noun": """
        farmer basket river garden window table kitchen teacher doctor singer driver painter
        sailor soldier captain baker hunter dancer writer lawyer pilot butcher barber banker
        plumber nurse mother father sister brother cousin uncle daughter husband neighbour
        stranger visitor poet dog cat horse rabbit tiger monkey donkey camel lion spider beetle
        lobster turtle pigeon duck goose chicken turkey eagle falcon parrot robin salmon shark
        dolphin whale otter badger fox wolf goat lamb puppy kitten hamster mouse frog lizard
        snake worm wasp moth cricket pony apple melon lemon cherry peach plum orange carrot
        onion potato pepper tomato pumpkin cabbage butter cheese bread sandwich pudding muffin
        biscuit cookie candy sugar honey jam soup salad bottle bucket barrel blanket pillow
        mirror carpet curtain candle lantern lamp ladder hammer shovel needle button ribbon
        jacket sweater trousers helmet slipper boot glove scarf hat coat pocket wallet purse
        parcel packet letter envelope pencil marker paper notebook novel poem magazine ticket
        stamp coin medal trophy treasure jewel ring crown sword shield arrow cannon trumpet
        violin guitar piano drum whistle flute record camera radio telephone computer engine
        motor wagon tractor lorry bicycle rocket vessel ferry canoe raft anchor harbour tunnel
        bridge tower castle palace temple chapel cottage cabin tent barn stable fence gate wall
        roof chimney cellar attic corridor chamber office factory market museum hospital station
        village city forest meadow valley mountain desert island jungle canyon volcano waterfall
        ocean lake pond stream marsh beach cliff cave hill path road corner square summer winter
        autumn evening thunder lightning storm rainbow shadow planet comet signal vision measure
        question answer promise secret rumour joke lesson puzzle riddle pattern picture statue
        machine handle feather leather weather pebble marble crystal diamond copper iron silver
        timber cotton velvet rubber plastic powder poison oil choir voice boy toy cloud mouse
        house cow crowd book hook cook foot wood thumb tooth path bath cloth judge badge orchid
        fudge vase garage
        """,
    "plural": """
        apples books bottles boxes boys bridges brothers buttons cakes candles cats chairs
        children clouds coins cows dogs doors drums ducks eagles eggs farmers feathers fences
        flags flowers foxes friends frogs girls gloves guests hats horses houses islands jackets
        judges keys kings kittens ladders lamps leaves lemons letters lions maps marbles men
        mice monkeys mountains nails needles notes nuts oranges owls painters parcels pears
        pebbles pencils pictures pigs pilots planes plates queens rabbits rivers rockets roses
        sailors shells ships shoes singers soldiers songs spoons stars stones students teachers
        tents tigers towers toys trains trees turtles visitors voices wagons wheels windows
        witches wolves women workers yachts zebras
        """,
    "adjective": """
        old young tall short long big small huge tiny little thick thin heavy light strong weak
        fast slow quick loud quiet soft hard hot cold warm cool wet dry clean dirty new ancient
        modern bright dark dull sharp blunt smooth rough round flat empty full broken hollow
        solid wooden golden yellow purple scarlet crimson brown black white grey green blue red
        pink violet happy sad angry gentle cruel kind polite rude brave clever foolish wise
        silly lazy busy calm nervous patient proud humble honest lonely friendly famous popular
        common rare strange usual curious jealous generous greedy hungry thirsty sleepy tired
        awake careful careless cheerful gloomy dreadful awful lovely pretty ugly splendid
        perfect simple complex easy difficult cheap costly rich poor rusty dusty muddy sandy
        rocky stormy windy sunny cloudy foggy frozen bitter sweet sour salty fresh rotten ripe
        raw juicy crispy tender creamy smelly spotted striped hidden secret public private
        foreign local northern southern eastern western royal holy magic noisy silent sudden
        gradual narrow wide deep shallow steep distant nearby inner outer upper lower final
        early late recent yearly daily double single equal stiff loose tight
        """,
    "transitive": """
        carried painted opened closed followed watched noticed ignored admired visited
        remembered forgot discovered invented repaired damaged destroyed covered washed cleaned
        polished polluted bought sold borrowed stole found lost kept dropped lifted pushed
        pulled dragged threw caught kicked touched grabbed held measured counted weighed cooked
        baked boiled fried tasted swallowed finished started wanted needed loved hated feared
        trusted helped joined chased attacked defended rescued captured avoided expected
        described explained mentioned copied traced folded wrapped packed delivered received
        returned offered accepted refused collected gathered scattered planted watered picked
        crushed squeezed stretched twisted broke fixed mended built designed drew sketched wrote
        read printed recorded played heard saw drove moved raised lowered changed exchanged
        choked filled emptied poured mixed stirred shook hid
        """,
    "intransitive": """
        walked jumped danced waited rested slept arrived departed returned travelled wandered
        hurried rushed climbed crawled swam floated sank flew landed fell tumbled stumbled
        slipped worked studied laughed smiled cried shouted whispered sang hummed talked argued
        agreed complained worried listened stared vanished appeared gathered marched paraded
        camped lived stayed settled stood sat knelt leaned turned stopped paused continued
        paddled sailed rolled bounced glowed sparkled
        """,
    "base": """
        carry paint open close follow watch notice ignore visit remember forget discover invent
        repair damage destroy cover wash clean polish buy sell borrow steal find lose keep drop
        lift push pull drag throw catch kick touch grab hold measure count weigh cook bake boil
        fry taste swallow finish start want need love hate fear trust help join chase attack
        defend rescue capture avoid expect describe explain mention copy trace fold wrap pack
        deliver receive offer accept refuse collect gather scatter plant pick crush squeeze
        stretch twist break fix mend build design draw sketch write read print record play hear
        see drive move raise change enjoy choose use judge
        """,
    "adverb": """
        slowly quickly quietly loudly gently softly bravely calmly eagerly happily sadly angrily
        proudly politely nervously patiently carefully suddenly gradually rarely often always
        never again together alone twice everywhere upstairs downstairs outside inside abroad
        backwards forwards yesterday today tonight early later soon eventually usually normally
        smoothly badly nicely neatly
        """,
    "name": """
        adam alice anna arthur barbara ben betty carol charles chloe daniel david diana edward
        ellen emma ethan felix fiona frank george grace hannah harold harry helen henry ivan
        jack james jane jason jenny joan john julia karen kevin laura leo linda lucy margaret
        mark martha martin mary matthew max michael monica nancy nathan nina oliver oscar paul
        peter rachel richard robert rose roy ruth sally samuel sarah simon sophie steven susan
        thomas tina tony victor vincent wendy william zoe
        """,
    "preposition": """
        near behind beside under over above below beyond inside outside across through around
        against towards past along without with before after from
        """,
    "number": """
        two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
        sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty
        ninety several many few
        """,
    "time": "yesterday tonight today once sometimes often later meanwhile finally now then",
    "season": "spring summer autumn winter january february march april june july august october",
    "pronoun": "we they he she you i",
    "determiner": "the the the a this that every another his her our their my your some no",
    "negation": "didn't couldn't wouldn't won't can't don't shouldn't must will should could might",
}

_TEMPLATES = (
    "the {adjective} {noun} {transitive} {determiner} {noun}",
    "{name} {transitive} {determiner} {adjective} {noun}",
    "{name} {transitive} the {noun} {preposition} the {noun}",
    "the {plural} {intransitive} {adverb} {preposition} the {noun}",
    "{number} {adjective} {plural} {intransitive} {preposition} {determiner} {noun}",
    "{number} {plural} {intransitive} {adverb}",
    "{time} {name} {intransitive} {preposition} the {adjective} {noun}",
    "{time} the {noun} {transitive} {number} {plural}",
    "{pronoun} {negation} {base} the {adjective} {noun}",
    "{pronoun} {negation} {base} {number} {plural} {preposition} the {noun}",
    "don't {base} the {noun} {preposition} the {noun}",
    "it's {adjective} and {adjective} in {season}",
    "{name}'s {noun} was {adjective} but {adjective}",
    "where did {name} {base} the {adjective} {noun}",
    "why does the {noun} {base} {adjective} {plural}",
    "{name} and {name} {intransitive} {adverb}",
    "in {season} {pronoun} {transitive} {adjective} {plural}",
    "{determiner} {noun} {intransitive} {preposition} {name}'s {noun}",
    "there were {number} {plural} {preposition} the {adjective} {noun}",
    "{adjective} {plural} {transitive} {determiner} {noun} {adverb}",
    "please {base} {determiner} {adjective} {noun}",
    "{pronoun} {transitive} the {noun} and the {noun}",
)

CORE_SHARE = 0.93
CORE_LEAST, CORE_PART = 8, 15  # a core has a fifteenth of its slot's words, 8 at least

_SLOTS: dict[str, list[str]] = {slot: words.split() for slot, words in _WORDS.items()}


def vocabulary() -> list[str]:
    """Every word the grammar can say, sorted, possessives included."""
    fixed = {word for t in _TEMPLATES for word in t.split() if "{" not in word}
    words = {word for slot in _SLOTS.values() for word in slot}
    return sorted(fixed | words | {f"{name}'s" for name in _SLOTS["name"]})


def sentences(rng: np.random.Generator) -> Iterator[str]:
    """An endless sequence of distinct sentences of 4 to 9 words, in lower case.

    As in natural language few words make most of what is said, so that a small corpus can teach
    them: each slot has a core, which gives `CORE_SHARE` of its words, all alike. The others are
    dealt from a shuffled deck of the rest of the vocabulary, so that all of them come up.
    """
    slots = {slot: _words(rng, words) for slot, words in _SLOTS.items()}
    said: set[str] = set()
    while True:
        words = []
        for token in _TEMPLATES[rng.integers(len(_TEMPLATES))].split():
            slot, brace, ending = token.removeprefix("{").partition("}")
            words.append(next(slots[slot]) + ending if brace else token)
        sentence = " ".join(words)
        if sentence not in said:
            said.add(sentence)
            yield sentence


def _words(rng: np.random.Generator, words: list[str]) -> Iterator[str]:
    """An endless sequence of the words of one slot; its core is drawn first."""
    pool = [str(word) for word in rng.permutation(words)]
    count = max(CORE_LEAST, len(pool) // CORE_PART)
    core, rest = pool[:count], pool[count:]
    share = CORE_SHARE if rest else 1.0
    deck: list[str] = []
    while True:
        if rng.random() < share:
            yield core[rng.integers(len(core))]
        else:
            deck = deck or [str(word) for word in rng.permutation(rest)]
            yield deck.pop()
