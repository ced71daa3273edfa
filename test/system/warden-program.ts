import { wardenMain } from "#warden/main.ts";

// The warden alone, without the rest of the program: what `haechi warden` runs.
process.exitCode = await wardenMain(process.argv.slice(2), process.env);
