import { ownString } from "#core/own-string.ts";
import { ruleLevels, scoreOf, type Actor, type Contribution, type EvidenceReference, type RuleLevel, type Signal } from "#core/signal.ts";
import { signalId } from "./signal-id.ts";

/** What the episodes of one rule share. */
export interface EpisodeRule {
  readonly rule: string;
  readonly title: string;
  readonly level: RuleLevel;
  readonly actionable: boolean;
  /** Events (or different values) that the rule asks for; 1 for a rule of a single event. */
  readonly threshold: number;
  /** Longest pause between hits of one episode, milliseconds. */
  readonly gap: number;
}

/** What is known of the actor when the rule first fires. */
export interface Opening {
  /** Events that the claim rests on, this one included. */
  readonly count: number;
  /** Event time of the earliest of them. */
  readonly first: number;
  readonly evidence: readonly EvidenceReference[];
  readonly users: readonly string[];
  readonly paths: readonly string[];
}

/** One more event for an actor. Strings may be slices of a large buffer. The object is not kept. */
export interface Touch {
  readonly time: number;
  /** Equal events that the line stands for. */
  readonly weight: number;
  /** The line as evidence: made only where it is kept. */
  readonly reference: () => EvidenceReference;
  readonly user: string | undefined;
  readonly path: string | undefined;
  /** Different users of the actor who signed in lately: asked when a signal is made, where the rule has a ground for excuse. */
  readonly signedIn?: ((rule: number) => number) | undefined;
}

/** One rule and one actor for as long as hits follow each other. */
export interface Episode {
  /** Of its signals; empty until it is first reported, for it is a hash. */
  id: string;
  readonly actor: Actor;
  readonly first: number;
  last: number;
  count: number;
  /** Count when it was last reported. */
  reported: number;
  /** Event time of the line kept last. */
  keptAt: number;
  firstLines: EvidenceReference[];
  lastLines: EvidenceReference[];
  /** Different names; shared with the signals that told them, so that a new one makes a new list. */
  users: readonly string[];
  paths: readonly string[];
  /** Different users of the actor who signed in lately, when it was last reported. */
  signedIn: number;
  /** It was closed: no hit extends it any more, and it holds no lines and names. */
  isOver: boolean;
}

/** Open episodes of every rule. */
export interface Episodes {
  /** The open episode of `actor` that an event at `time` would extend. */
  find(rule: number, actor: string, time: number): Episode | undefined;
  /** Counts a hit for an episode found before, where it still extends it: undefined where it does not. */
  prolong(rule: number, episode: Episode, hit: Touch): readonly Signal[] | undefined;
  /**
   * Counts a hit. Gives the signal where it opens an episode or brings its count to twice what was last reported, and the last
   * state of an episode of the same actor that it ends.
   */
  hit(rule: number, actor: Actor, hit: Touch, opening: () => Opening): readonly Signal[];
  /** Ends the episodes that no event at `now` could extend; gives the last state of those that changed since they were reported. */
  close(now: number): readonly Signal[];
  /** The last state of every episode that changed since it was reported. */
  finish(): readonly Signal[];
  snapshot(): unknown;
  restore(state: unknown): void;
  readonly size: number;
  readonly evictions: number;
}

const linesKept = 5;
/** Episodes of at most so many events keep every line. */
const everyLine = 32;
const namesKept = 20;
const nameLength = 300;

/** Different users who signed in behind an address from which its failures count as mistakes. A guesser seldom has three accounts. */
const usersThatExcuse = 3;

/** Log-odds that a rule's hit is an attack, by the level its author gave it. */
const levelWeight: Readonly<Record<RuleLevel, number>> = { informational: 0, low: 1, medium: 2.5, high: 4.5, critical: 7 };
/** Prior log-odds that an address that does something unusual is an attacker: about one in twenty. */
const prior = -3;

/**
 * Turns hits into signals: an episode is one rule and one actor for as long as hits follow each other within the rule's gap.
 * It is reported when it opens, when its count has doubled, and when it ends, always under the same id. At most `maxEpisodes`
 * are open; past that the one that was quiet longest ends. An episode costs about 24 KB at most (ten lines of 1,024 characters and
 * forty names of 300), usually 3 KB.
 */
export function episodes(detector: string, rules: readonly EpisodeRule[], maxEpisodes: number): Episodes {
  let open: Map<string, Episode>[] = rules.map(() => new Map());
  /** Time up to which no episode of the rule can be over: nothing need be looked at before. */
  let quietUntil = rules.map(() => Number.NEGATIVE_INFINITY);
  let size = 0;
  let evictions = 0;
  const report = (rule: number, episode: Episode, hit?: Touch): Signal => {
    episode.reported = episode.count;
    if (hit?.signedIn) episode.signedIn = hit.signedIn(rule);
    const about = rules[rule] as EpisodeRule;
    if (episode.id === "") episode.id = signalId(detector, about.rule, episode.actor.id, episode.first);
    return toSignal(detector, about, episode);
  };
  const end = (rule: number, id: string, episode: Episode): void => {
    episode.isOver = true;
    episode.firstLines = [];
    episode.lastLines = [];
    episode.users = [];
    episode.paths = [];
    (open[rule] as Map<string, Episode>).delete(id);
    size--;
  };
  const endIdle = (now: number, into: Signal[]): void => {
    for (let rule = 0; rule < open.length; rule++) {
      const map = open[rule] as Map<string, Episode>;
      if (map.size === 0 || now <= (quietUntil[rule] as number)) continue;
      const gap = (rules[rule] as EpisodeRule).gap;
      let earliest = Number.POSITIVE_INFINITY;
      // Not iterated: that would make an object for each of thousands, each minute.
      map.forEach((episode, id) => {
        if (now - episode.last <= gap) {
          if (episode.last < earliest) earliest = episode.last;
          return;
        }
        if (episode.count > episode.reported) into.push(report(rule, episode));
        end(rule, id, episode);
      });
      quietUntil[rule] = earliest + gap;
    }
  };
  /** Makes room: what was quiet longest ends, a tenth at once so that it is not done for each event. */
  const evict = (into: Signal[]): void => {
    const all = open.flatMap((map, rule) => [...map].map(([id, episode]) => ({ rule, id, episode })));
    all.sort((a, b) => a.episode.last - b.episode.last || a.rule - b.rule || (a.id < b.id ? -1 : 1));
    for (const { rule, id, episode } of all.slice(0, Math.max(1, Math.ceil(maxEpisodes / 10)))) {
      if (episode.count > episode.reported) into.push(report(rule, episode));
      end(rule, id, episode);
      evictions++;
    }
  };
  return {
    find: (rule, actor, time) => {
      const episode = (open[rule] as Map<string, Episode>).get(actor);
      return episode !== undefined && within(episode, time, (rules[rule] as EpisodeRule).gap) ? episode : undefined;
    },
    prolong: (rule, episode, hit) => {
      const { gap } = rules[rule] as EpisodeRule;
      if (episode.isOver || !within(episode, hit.time, gap)) return undefined;
      extend(episode, hit, gap);
      return episode.count >= episode.reported * 2 ? [report(rule, episode, hit)] : none;
    },
    hit: (rule, actor, hit, opening) => {
      const map = open[rule] as Map<string, Episode>;
      const about = rules[rule] as EpisodeRule;
      const known = map.get(actor.id);
      if (known && within(known, hit.time, about.gap)) {
        extend(known, hit, about.gap);
        return known.count >= known.reported * 2 ? [report(rule, known, hit)] : none;
      }
      const out: Signal[] = [];
      if (known) {
        if (known.count > known.reported) out.push(report(rule, known));
        end(rule, actor.id, known);
      } else if (size >= maxEpisodes) evict(out);
      const start = opening();
      if (hit.time + about.gap < (quietUntil[rule] as number)) quietUntil[rule] = hit.time + about.gap;
      const episode: Episode = {
        id: "",
        actor,
        first: Math.min(start.first, hit.time),
        last: hit.time,
        count: start.count,
        reported: 0,
        keptAt: hit.time,
        firstLines: start.evidence.slice(0, linesKept),
        lastLines: start.evidence.slice(linesKept).slice(-linesKept),
        users: start.users.slice(0, namesKept),
        paths: start.paths.slice(0, namesKept),
        signedIn: 0,
        isOver: false,
      };
      map.set(actor.id, episode);
      size++;
      out.push(report(rule, episode, hit));
      return out;
    },
    close: (now) => {
      const out: Signal[] = [];
      endIdle(now, out);
      return out.length > 0 ? out : none;
    },
    finish: () => {
      const out: Signal[] = [];
      open.forEach((map, rule) => {
        for (const episode of map.values()) if (episode.count > episode.reported) out.push(report(rule, episode));
      });
      return out;
    },
    snapshot: () => ({ open, evictions }),
    restore: (state) => {
      const from = state as { open: Map<string, Episode>[]; evictions: number };
      open = from.open;
      evictions = from.evictions;
      quietUntil = rules.map(() => Number.NEGATIVE_INFINITY);
      size = open.reduce((sum, map) => sum + map.size, 0);
    },
    get size() {
      return size;
    },
    get evictions() {
      return evictions;
    },
  };
}

const none: readonly Signal[] = Object.freeze([]);

function within(episode: Episode, time: number, gap: number): boolean {
  return time <= episode.last + gap && time >= episode.first - gap;
}

/**
 * Copying each line of a flood would cost more than all else. Of a long episode the lines before a report are kept, and
 * otherwise one in a while, so that its last state shows lines near its end.
 */
function isWorthKeeping(episode: Episode, time: number, gap: number): boolean {
  return episode.count <= everyLine || episode.reported * 2 - episode.count < linesKept || time - episode.keptAt >= gap / 8;
}

function extend(episode: Episode, hit: Touch, gap: number): void {
  // A late line from before the episode began is outside of the time the claim names, so it may not count.
  if (hit.time < episode.first) return;
  episode.count += hit.weight;
  if (hit.time > episode.last) episode.last = hit.time;
  if (isWorthKeeping(episode, hit.time, gap)) {
    episode.keptAt = hit.time;
    if (episode.firstLines.length < linesKept) episode.firstLines.push(hit.reference());
    else {
      if (episode.lastLines.length >= linesKept) episode.lastLines.shift();
      episode.lastLines.push(hit.reference());
    }
  }
  if (hit.user !== undefined) episode.users = withName(episode.users, hit.user);
  if (hit.path !== undefined) episode.paths = withName(episode.paths, hit.path);
}

/** The list with `name`, copied and cut to 300 characters, where it has fewer than 20 and not this one. */
function withName(list: readonly string[], name: string): readonly string[] {
  if (list.length >= namesKept) return list;
  const cut = name.length > nameLength ? name.slice(0, nameLength) : name;
  for (let i = list.length - 1; i >= 0; i--) if (list[i] === cut) return list;
  return [...list, ownString(cut)];
}

const priorEvidence: Contribution = Object.freeze({ feature: "base", value: "prior", contribution: prior });
const levelEvidence: ReadonlyMap<RuleLevel, Contribution> = new Map(
  ruleLevels.map((level) => [level, Object.freeze({ feature: "rule", value: level, contribution: levelWeight[level] })]),
);

/** Evidence adds up: what such addresses usually are, how sure the rule is, how far past its threshold, how many different targets. */
function explain(rule: EpisodeRule, episode: Episode): readonly Contribution[] {
  const { users, paths, signedIn, count } = episode;
  let why: readonly Contribution[] = [
    priorEvidence,
    levelEvidence.get(rule.level) as Contribution,
    { feature: "events", value: count, baseline: rule.threshold, contribution: Math.log(Math.max(1, count / rule.threshold)) },
  ];
  // Lists that are spread take no spare room, as pushing would make.
  if (users.length > 1) why = [...why, { feature: "distinct_users", value: users.length, contribution: 0.5 * Math.log(users.length) }];
  if (paths.length > 1) why = [...why, { feature: "distinct_paths", value: paths.length, contribution: 0.5 * Math.log(paths.length) }];
  if (isExcused(episode)) why = [...why, { feature: "signed_in_users", value: signedIn, contribution: -1.5 * Math.log(1 + signedIn) }];
  return why;
}

/** Several people who sign in behind one address mistype together what one attacker tries: worth telling, not worth acting on. */
function isExcused(episode: Episode): boolean {
  return episode.signedIn >= usersThatExcuse;
}

function toSignal(detector: string, rule: EpisodeRule, episode: Episode): Signal {
  const why = explain(rule, episode);
  return {
    id: episode.id,
    detector,
    rule: rule.rule,
    title: rule.title,
    level: isExcused(episode) && ruleLevels.indexOf(rule.level) > ruleLevels.indexOf("medium") ? "medium" : rule.level,
    actor: episode.actor,
    first: episode.first,
    last: episode.last,
    count: episode.count,
    score: scoreOf(why),
    why,
    evidence: episode.firstLines.concat(episode.lastLines),
    users: episode.users,
    paths: episode.paths,
    // Only an address or a network can be banned.
    actionable: rule.actionable && !isExcused(episode) && (episode.actor.kind === "ip" || episode.actor.kind === "network"),
  };
}
