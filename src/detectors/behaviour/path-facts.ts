import { hashText } from "./generation-cache.ts";
import { memo } from "./memo.ts";

/**
 * What people who probe web servers ask for. The order is the order of strength: the first class that matches names a path.
 *
 * - `secret`: keys, environment files, version control folders
 * - `exploit`: paths that exist to be exploited (web shells, device and framework holes)
 * - `traversal`: out of the document root; `injection`: code where data belongs
 * - `backup`: dumps and editor leftovers
 * - `cms`: WordPress and its kin; `panel`: administration and database consoles; `script`: server-side scripts
 */
export const attackClasses = ["secret", "exploit", "traversal", "injection", "backup", "cms", "panel", "script"] as const;
export type AttackClass = (typeof attackClasses)[number];

/** Classes up to this index (injection) are never what an ordinary site is made of; those after it may be. */
export const lastUnmistakable = 3;

/** What a path tells by itself. */
export interface PathFacts {
  readonly path: string;
  /** Numbers, hexadecimal runs and UUIDs folded, so that `/item/17` and `/item/18` are one. */
  readonly shape: string;
  readonly shapeHash: number;
  readonly pathHash: number;
  /** Hash of the first segment where the path is deeper than that, else 0: which part of the site it is in. */
  readonly placeHash: number;
  /** Style sheets, scripts, pictures, fonts: what a browser loads by itself. */
  readonly asset: boolean;
  /** Files that browsers and crawlers ask every site for; missing ones mean nothing. */
  readonly conventional: boolean;
  readonly login: boolean;
  /** An interface for programs, where 200 means what it says. */
  readonly api: boolean;
  /** Index in `attackClasses`, -1 for none. */
  readonly attack: number;
}

const asset = /\.(?:css|m?js|map|png|jpe?g|gif|svg|webp|avif|ico|bmp|woff2?|ttf|otf|eot|mp4|webm|mp3|ogg|wasm|webmanifest)$/i;
const conventional =
  /^\/(?:favicon\.ico|robots\.txt|(?:news-|image-)?sitemap[\w-]*\.xml(?:\.gz)?|apple-touch-icon[\w-]*\.png|apple-app-site-association|browserconfig\.xml|(?:app-)?ads\.txt|humans\.txt|security\.txt|llms\.txt|crossdomain\.xml|manifest\.json|site\.webmanifest|service-?worker\.js|sw\.js|feed\/?|rss(?:\.xml)?|atom\.xml|\.well-known\/[\w./-]*)$/i;
const notScript = /\.php\d?$/i;
const login =
  /(?:^|[/_.-])(?:log-?in|log-?on|sign-?in|sign_in|auth(?:enticate|entication|orize)?|sessions?|wp-login|xmlrpc|j_security_check|einloggen|anmelden|connexion|acceder|entrar)(?:[/_.-]|$)/i;
const notLogin = /(?:refresh|renew|logout|log-?off|sign-?out|callback|verify|status|reset|forgot|register|sign-?up|revoke|userinfo|\/me)\b/i;
const api = /(?:^|\/)(?:api|v\d+|rest|graphql|rpc|json|oauth2?)(?:\/|$)|\.json$/i;

const patterns: readonly RegExp[] = [
  // secret
  /\/\.(?!well-known(?:\/|$))[\w-]|\/(?:id_(?:rsa|dsa|ecdsa|ed25519)|authorized_keys|credentials(?:\.\w+)?|secrets?\.(?:ya?ml|json|env|txt)|web\.config|appsettings(?:\.\w+)?\.json|docker-compose[\w.-]*\.ya?ml|sftp(?:-config)?\.json|wp-config(?:[.-]\w+)+|configuration\.php\W|local\.settings\.json|serverless\.ya?ml|terraform\.tfstate|firebase-adminsdk[\w-]*\.json|config\/(?:database|secrets|master)\.\w+|env(?:\.(?:js|json|txt|bak|local|prod|production|dev))|[\w.-]+\.(?:pem|ppk|kdbx|p12|pfx|env))$/i,
  // exploit
  /eval-stdin\.php|\/vendor\/phpunit|\/cgi-bin\/|\/(?:boaform|hnap1|gponform|goform|setup\.cgi|_ignition|telescope\/requests|actuator(?:\/(?!health|info$|prometheus)|$)|jmx-console|web-console|invoker\/|manager\/html|struts|solr\/|hudson|geoserver|owa\/auth|ecp\/|remote\/(?:login|fgt_lang)|dana-na|\+cscoe\+|\+cscot\+|server-(?:status|info)$|phpinfo|info\.php|(?:shell|cmd|c99|r57|wso|alfa(?:new|cgiapi)?|b374k|webshell|up|upl|mini|bypass)\d?\.(?:php\d?|phtml|aspx?|jspx?)|filemanager\/|kcfinder|elfinder|fckeditor|_profiler\/|debug\/(?:pprof|default)|v2\/_catalog|containers\/json|api\/jsonws|wsman$|druid\/index|nacos\/|_cat\/|level\/15|stssys|tmui\/|mgmt\/tm|cf_scripts|lfm\.php|ckeditor\/filemanager|sellers\.php|xmrlpc|wlwmanifest)/i,
  // traversal
  /\.\.(?:\/|\\|%2f|%5c)|%2e%2e|%252e|\/etc\/(?:passwd|shadow)|win\.ini|boot\.ini|\/proc\/self|%00|%c0%ae|\.\.;/i,
  // injection
  /<script|%3cscript|union(?:\s|\+|%20|\/\*)+(?:all|select)|\$\{jndi|%24%7bjndi|sleep\(|benchmark\(|\bor\b(?:\s|\+|%20)+['"%\d]+=|base64_decode|allow_url_include|call_user_func|system\(|wget(?:\s|\+|%20)|curl(?:\s|\+|%20)|;\s*(?:cat|id|ls)\b|\{\{.*\}\}|php:\/\/|expect:\/\/|think(?:\\|\/)app|information_schema|waitfor(?:\s|\+|%20)delay/i,
  // backup
  /\.(?:sql|bak|swp|swo|orig|dump|sqlite3?|mdb|old|save|copy)(?:\.(?:gz|zip|bz2|7z|xz))?$|~$|\/(?:backup|dump|database|db|www|wwwroot|public_html|htdocs|site|website|web|html|data|sql|old|archive|release|latest|full|src|source|code|app)[\w-]{0,12}\.(?:zip|tar|tar\.gz|tgz|rar|7z|gz|bz2|xz|sql)$/i,
  // cms
  /\/(?:wp-(?:admin|login|content|includes|json|cron|signup|trackback|links|mail|config|load|settings|comments|blog-header)|wordpress|xmlrpc\.php|wp\d?(?:\/|$)|joomla|administrator(?:\/|$)|drupal|typo3|magento|bitrix|sites\/default\/files\/\.|components\/com_|index\.php\/admin|user\/register\b)/i,
  // panel
  /\/(?:phpmyadmin|pma|phppgadmin|myadmin|mysql(?:admin|manager)?|dbadmin|sqladmin|adminer[\w.-]*|console|cpanel|whm|plesk|webmin|roundcube|jenkins|grafana|kibana|portainer|zabbix|nagios|cacti|solr|tomcat|weblogic|axis2|swagger(?:-ui)?|api-docs|graphiql|h2-console|admin(?:istration|panel|console|\d|cp|[-_]\w+)?(?:\.\w+)?|controlpanel|siteadmin|superadmin)(?:\/|$)|^\/(?:manager|management|moderator|root|backend|test(?:ing|\d)?|dev|staging|old|backup|bak|tmp|temp|logs?|install|setup|config|conf|cgi)\/?$/i,
  // script
  /\.(?:php\d?|phtml|aspx?|ashx|asmx|jspx?|do|action|cfm|cgi|pl|py|sh|exe|dll|ini|conf|log|ya?ml|toml)$/i,
];
/** Index of the attack class of a path or query, -1 for none. */
export function attackClassOf(text: string): number {
  for (let i = 0; i < patterns.length; i++) if ((patterns[i] as RegExp).test(text)) return i;
  return -1;
}

/** Whatever `traversal` and `injection` look for has one of these: most queries have none, and are done. */
const unusual = /[.%/<+\s$({:_;\\]/;

/** Class of a query: only what no ordinary parameter holds. */
export function queryAttackClass(query: string): number {
  if (!unusual.test(query)) return -1;
  if ((patterns[2] as RegExp).test(query)) return 2;
  return (patterns[3] as RegExp).test(query) ? 3 : -1;
}

/** Folds numbers, hexadecimal runs of 8 and more, UUIDs and long tokens; lower case; at most 120 characters. */
export function pathShape(path: string): string {
  return path
    .slice(0, 256)
    .toLowerCase()
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "{uuid}")
    .replace(/(?<=[/_.=-])(?=[a-f]*\d)[0-9a-f]{8,}(?=$|[/_.-])/g, "{hex}")
    .replace(/\d+/g, "{n}")
    .replace(/(?<=\/)[\w-]{40,}(?=$|\/)/g, "{token}")
    .slice(0, 120);
}

/** Facts of a path. Pure; memoise it. */
export function pathFacts(path: string): PathFacts {
  const shape = pathShape(path);
  const isConventional = conventional.test(path) && !notScript.test(path);
  const isAsset = asset.test(path);
  let attack = isConventional ? -1 : attackClassOf(path);
  // A picture under /wp-content is what visitors of a WordPress site load; only what no picture is called stays.
  if (isAsset && attack > lastUnmistakable) attack = -1;
  return {
    path,
    shape,
    shapeHash: hashText(shape),
    pathHash: hashText(path),
    placeHash: placeOf(path),
    asset: isAsset && attack < 0,
    conventional: isConventional,
    login: login.test(path) && !notLogin.test(path),
    api: api.test(path),
    attack,
  };
}

export const noPath: PathFacts = pathFacts("/");

/** A number that is a whole segment: of such, no pattern here asks for the digits. Below three digits (`/level/15`) one may, and eight may be hexadecimal. */
const numberSegment = /(?<=\/)\d{3,7}(?=\/|$)/g;
const longestFolded = 100;

/**
 * `pathFacts` with a bounded memo by folded path: of `/item/1700` and `/item/1800` all is the same but the hashes, and
 * judging a path costs twenty times as much as hashing it.
 */
export function pathFactsMemo(): (path: string) => PathFacts {
  const folded = memo(1_024, pathFacts);
  return (path) => {
    if (path.length > longestFolded) return pathFacts(path);
    const fold = path.replace(numberSegment, "000");
    const facts = folded(fold);
    if (fold === path) return facts;
    return {
      path,
      shape: facts.shape,
      shapeHash: facts.shapeHash,
      pathHash: hashText(path),
      placeHash: placeOf(path),
      asset: facts.asset,
      conventional: facts.conventional,
      login: facts.login,
      api: facts.api,
      attack: facts.attack,
    };
  };
}

function placeOf(path: string): number {
  const deeper = path.indexOf("/", 1);
  return deeper > 1 ? hashText(path.slice(0, deeper).toLowerCase()) : 0;
}
