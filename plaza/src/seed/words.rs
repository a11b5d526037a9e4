//! What people in the demo are called and what they say.

use super::film::Film;
use super::pictures::Scene;

pub const FIRST: [&str; 48] = [
    "Ada", "Ben", "Cleo", "Dana", "Emil", "Fatima", "Goran", "Hana", "Ivo", "Jun", "Kaia", "Leo", "Mira", "Nadia",
    "Omar", "Pia", "Quentin", "Rosa", "Sven", "Tara", "Uma", "Viktor", "Wanda", "Xenia", "Yusuf", "Zoe", "Amara",
    "Bruno", "Chiara", "Dario", "Elif", "Felix", "Gita", "Henrik", "Ines", "Jonas", "Keiko", "Lars", "Maya", "Nils",
    "Olga", "Pablo", "Rana", "Samir", "Tessa", "Vera", "Wim", "Yara",
];

pub const LAST: [&str; 40] = [
    "Okafor", "Lind", "Moreau", "Tanaka", "Novak", "Haddad", "Silva", "Berg", "Kaya", "Rossi", "Keller", "Ito",
    "Petrov", "Mensah", "Duarte", "Olsen", "Farah", "Weiss", "Costa", "Iyer", "Kowal", "Nielsen", "Abadi", "Marin",
    "Yilmaz", "Horvat", "Lopez", "Sato", "Banerjee", "Visser", "Karim", "Jansen", "Popov", "Nguyen", "Adeyemi",
    "Blanc", "Romero", "Schmid", "Khan", "Larsen",
];

pub const BIOS: [&str; 16] = [
    "Bread, bicycles, bad puns.",
    "Teaches physics, learns the cello.",
    "Photographs doors. Only doors.",
    "Runs slowly, reads quickly.",
    "Trains, maps and timetables.",
    "Growing tomatoes on the fourth floor.",
    "Nurse by night, gardener by day.",
    "Here for the recipes.",
    "Repairs radios older than me.",
    "Open water, any season.",
    "Two cats, one loom, no time.",
    "Cooks for twelve, lives alone.",
    "Translates poems nobody asked for.",
    "Climbs what stands still.",
    "Writes letters, sends them late.",
    "Carpenter. Yes, like the ants.",
];

pub const PLACES: [&str; 12] = [
    "the lake",
    "the market",
    "the old mill",
    "the harbour",
    "the library",
    "the hill",
    "the park",
    "the station",
    "the ice rink",
    "the workshop",
    "the river path",
    "the roof garden",
];

pub const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

pub const EMOJI: [&str; 8] = ["👍", "❤️", "😂", "🎉", "🙏", "🔥", "👀", "☕"];

/// `{place}` and `{day}` are filled in.
pub const POSTS: [&str; 32] = [
    "First swim of the year at {place}. My feet have not forgiven me. #coldwater",
    "If anybody finds a green umbrella at {place}: it is mine, and it is lonely.",
    "Baked rye bread with too much caraway. No regrets. #baking",
    "Somebody is practising the trumpet near {place}, and getting better.",
    "Does anybody have a ladder that I could borrow on {day}? #neighbours",
    "The light at {place} this morning. Words fail, so here are some anyway. #morning",
    "Finished the book. Now I miss everybody in it. #reading",
    "Ran ten kilometres past {place}, walked the eleventh. #running",
    "Small rule: never buy tomatoes in winter. Broke it again. #cooking",
    "There is a repair café at {place} on {day}. Bring what is broken. #repair",
    "My grandmother's dumplings, attempt four: edible! #cooking",
    "Saw a heron at {place}. It saw me first. #birds",
    "Who is coming to the film night on {day}? We have a projector and half a plan.",
    "Three trains, one sandwich, no delay. A perfect day. #trains",
    "The seedlings are up. All of them are basil. I planted peppers. #garden",
    "Free to a good home: one sofa, two stories about it. Pick up near {place}.",
    "Learning to whistle at thirty-four. The neighbours are patient.",
    "Fog over {place}, coffee in hand. That is the whole post. #morning",
    "Looking for a fourth for table tennis on {day}. Skill is not required. #tabletennis",
    "I have opinions about staplers now. Ask me anything.",
    "The choir sang at {place}, and even the gulls were quiet. #music",
    "Fixed the bicycle with a spoon. Do not ask, do not try. #repair #bicycles",
    "Market haul: apples, more apples, a plant that I cannot name. #market",
    "Today a pupil asked why the sky is not violet. Best question of the month. #teaching",
    "Lost a bet and have to wear the orange hat until {day}.",
    "Nobody told me that looms are loud. #weaving",
    "Night shift is over. Good night, everybody. Good morning, everybody.",
    "A map of {place} from 1911: the bench was there already. #maps",
    "Soup weather. #cooking",
    "We moved the piano. It took nine people and one song. #music",
    "The ice at {place} holds! I checked, carefully. #winter",
    "Writing a letter by hand. My hand has forgotten most of it.",
];

/// Little conversations: each line by another one of those who are in the room.
pub const TALKS: [&[&str]; 16] = [
    &[
        "Anybody up for {place} on {day}?",
        "I am, if the weather holds.",
        "It will not, but I am too",
        "Who brings the thermos?",
        "I do. The big one.",
    ],
    &["Did you see the heron?", "Which heron?", "Exactly.", "😂 come on, tell us", "By {place}, this morning. Huge."],
    &["Can somebody lend me a drill until {day}?", "Take mine, it is on the shelf by the door.", "You are a saint."],
    &["I am late, ten minutes!", "Take your time, we have cake.", "Had. We had cake."],
    &[
        "The meeting is moved to {day}, same place.",
        "Works for me.",
        "I can only come at seven.",
        "Seven is fine, we start with the boring part.",
    ],
    &["How was the exam?", "Long. Strange. Over.", "That calls for pancakes.", "It calls for sleep, then pancakes."],
    &["What is the recipe for Sunday's soup?", "Leeks, potatoes, patience.", "How much patience?", "Forty minutes."],
    &["Is the projector still at {place}?", "Yes, but the cable is at mine.", "Bring it on {day}, please?", "Will do."],
    &["Good morning everybody", "Is it though", "Coffee first", "It is snowing!", "…fine, it is a good morning"],
    &["I found your green umbrella.", "WHERE", "At {place}. It was on the bench, looking sad.", "I am so happy."],
    &["We need one more for {day}.", "For what?", "Table tennis, then dinner.", "I am in for dinner.", "Deal."],
    &["The train is full, standing until the border.", "Sing something.", "I was asked to stop.", "Already?!"],
    &["Did anybody feed the cat?", "Twice.", "I did as well.", "So that is why it smiles."],
    &[
        "Photos from {place} are in the folder.",
        "The third one! Frame it.",
        "Who took the one with the dog?",
        "The dog.",
    ],
    &["Happy birthday!! 🎉", "Thank you! You are early by a week.", "I like to be the first.", "You are, every year."],
    &[
        "Is it worth to see the new exhibition?",
        "Room two is. Skip the film.",
        "Going on {day}, does anybody join?",
        "Me!",
    ],
];

pub const GROUPS: [&str; 10] = [
    "Lake swimmers",
    "Film night",
    "Sunday soup",
    "Book circle",
    "Choir",
    "Bicycle kitchen",
    "House 14",
    "Table tennis",
    "Night shift",
    "Allotment",
];

pub const CHANNELS: [&str; 3] = ["Town news", "Lost and found", "What to do this week"];

pub const COMMENTS: [&str; 18] = [
    "I was there!",
    "Save me a seat, please.",
    "Same here. Every year.",
    "This made my morning.",
    "Which one do you mean?",
    "Send me the recipe, please.",
    "The heron again? It gets around.",
    "Count me in.",
    "I have one in the cellar, come by.",
    "You say that every winter.",
    "How do you find the time?",
    "Not without a thermos.",
    "Beautiful.",
    "I need to hear the long version of this.",
    "My neighbour says the opposite, but louder.",
    "Congratulations!",
    "Bring a coat.",
    "No. Yes. Maybe on a weekday.",
];

/// What is sold, and for how many cents.
pub const GOODS: [(&str, u64); 12] = [
    ("A bicycle with a bell", 9_000),
    ("Teapot, holds a litre", 1_250),
    ("Two kitchen chairs", 3_000),
    ("A ladder, slightly bent", 1_500),
    ("Box of jam jars", 400),
    ("Piano stool", 4_500),
    ("Winter boots, size 41", 2_500),
    ("A loom, loud", 22_000),
    ("Desk lamp with a green shade", 1_800),
    ("Sledge for two", 2_000),
    ("A basil plant, again", 300),
    ("Maps of the lake, 1911 to 1950", 3_500),
];

pub const STREAMS: [&str; 8] = [
    "Sunday soup, step by step",
    "The choir rehearses",
    "Night walk along the lake",
    "Repairing a radio, live",
    "Table tennis, the finals",
    "First light from the bench",
    "The looms at work",
    "Reading the last chapter aloud",
];

/// What posts are about of which there is a picture.
pub const PICTURED: [(&str, Scene); 12] = [
    ("First swim", Scene::Lake),
    ("The light at", Scene::Sunrise),
    ("heron", Scene::Lake),
    ("Three trains", Scene::Meadow),
    ("seedlings", Scene::Meadow),
    ("Fog over", Scene::Fog),
    ("choir sang", Scene::Dusk),
    ("Night shift", Scene::Night),
    ("The ice at", Scene::Winter),
    ("Ran ten", Scene::Dusk),
    ("Soup weather", Scene::Fog),
    ("Writing a letter", Scene::Night),
];

pub const STORIES: [&str; 14] = [
    "Morning!",
    "Guess where.",
    "Too early, worth it.",
    "Nobody else here.",
    "The bench is free.",
    "Back by noon.",
    "Wish you were here.",
    "Still cold.",
    "One more lap.",
    "Last light.",
    "Listen to this quiet.",
    "Found the path again.",
    "Bring a coat.",
    "Tea stop.",
];

pub const REELS: [(&str, Film); 12] = [
    ("She sails! Only a little wet. #lake", Film::Boat),
    ("The 7:40, on time for once. #trains", Film::Train),
    ("Up, up and over the hill. #morning", Film::Balloon),
    ("Lanterns for the longest night. #winter", Film::Lantern),
    ("Five seconds of calm. #lake", Film::Boat),
    ("Waved at the driver. The driver waved back. #trains", Film::Train),
    ("It landed in our tomatoes. #garden", Film::Balloon),
    ("We let them go at nine. #neighbours", Film::Lantern),
    ("The red boat is back. #coldwater", Film::Boat),
    ("Three wagons, no delay. #trains", Film::Train),
    ("Somebody up there has breakfast. #morning", Film::Balloon),
    ("Make a wish, quickly. #music", Film::Lantern),
];

/// With goods.
pub const PITCHES: [&str; 8] = [
    "Pick it up any evening.",
    "Has served me well, deserves a second life.",
    "Price is for friends, and you are one.",
    "I have two. Nobody needs two.",
    "Moving in spring, it is not coming along.",
    "Some scratches, each with a story.",
    "Works. I just never use it.",
    "First come, first served; cake included.",
];

/// Words of those who share.
pub const SHARED: [&str; 5] =
    ["This.", "For everybody who missed it.", "Read until the end.", "Made my day.", "You need to see this."];
