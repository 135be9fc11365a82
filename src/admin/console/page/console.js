// The console of one gateway: what it counts, what happens, what a frame becomes.

import { prepare } from "/console/bench.js";
import { follow } from "/console/events.js";
import { count } from "/console/figures.js";

count();
follow();
prepare();
