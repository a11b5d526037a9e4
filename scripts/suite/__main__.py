"""`./test`: every check of the project, with real servers beside it. Standard library only."""

import argparse
import os
import signal
import sys
import time

import steps
from stage import ROOT, Stage, StepFailed


def arguments():
    width = max(len(step.name) for step in steps.ALL)
    listing = "\n".join(f"  {step.name:<{width}}  {step.about}" for step in steps.ALL)
    parser = argparse.ArgumentParser(
        prog="./test",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Runs Plaza's checks. Installs what is missing (Debian: apt, pip into .servers/, Maven), starts real\n"
        "servers on free ports of 127.0.0.1 with scratch folders, and stops them again.",
        epilog=f"steps:\n{listing}\n\n"
        "environment:\n"
        "  PLAZA_SIM_SEED=N     draw the plans of simulation, faults and chaos from this seed (default: the same each time;\n"
        "                       `random`: a new one, which is printed)\n"
        "  PROPTEST_RNG_SEED=N  the same for the property tests\n"
        "  PLAZA_SERVERS=DIR    where fetched servers are kept (default: .servers)\n"
        "  CARGO_TARGET_DIR     as Cargo has it\n\n"
        "examples:\n"
        "  ./test --quick                      the inner loop: no Cassandra or OpenSearch, no whole-system tests\n"
        "  ./test fmt clippy                   two steps\n"
        "  ./test embedded --only chat::       whole-system tests whose name contains chat::, embedded stores",
    )
    parser.add_argument("steps", nargs="*", metavar="STEP", help="only these steps (default: all)")
    parser.add_argument("--quick", action="store_true", help="only " + ", ".join(s.name for s in steps.ALL if s.quick)
                        + "; tests that need Cassandra or OpenSearch are left out")
    parser.add_argument("--only", metavar="TEXT", help="of the Rust tests, only those whose name contains TEXT")
    parser.add_argument("--keep", action="store_true", help="keep the scratch folder with all logs in any case")
    chosen = parser.parse_args()
    unknown = set(chosen.steps) - {step.name for step in steps.ALL}
    if unknown:
        parser.error(f"no such step: {', '.join(sorted(unknown))}; see ./test --help")
    return chosen


def summary(results):
    width = max(len(step.name) for step, *_ in results)
    print(f"\n  {'step':<{width}}  result   seconds  passed  failed")
    for step, outcome, seconds, tally in results:
        print(f"  {step.name:<{width}}  {outcome:<7}  {seconds:7.1f}  {tally.passed:6}  {tally.failed:6}")
    passed = sum(tally.passed for *_, tally in results)
    failed = sum(tally.failed for *_, tally in results)
    print(f"\n{passed} passed, {failed} failed")
    return failed


def main():
    chosen = arguments()
    wanted = [
        step for step in steps.ALL
        if (step.name in chosen.steps if chosen.steps else step.quick or not chosen.quick)
    ]
    # A polite kill and Ctrl-C take the same way out: through `finally`.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.chdir(ROOT)
    results, failed, interrupted = [], 1, True
    stage = Stage(quick=chosen.quick, only=chosen.only)
    try:
        for step in wanted:
            print(f"▸ {step.name}: {step.about}", flush=True)
            began, tally = time.monotonic(), steps.Tally()
            try:
                step.run(stage, tally)
                outcome = "failed" if tally.failed else "ok"
            except StepFailed as why:
                outcome = "failed"
                tally.failed += not tally.failed
                print(f"  {why}", flush=True)
            seconds = time.monotonic() - began
            print(f"  {outcome} in {seconds:.1f} s", flush=True)
            results.append((step, outcome, seconds, tally))
        interrupted = False
    except KeyboardInterrupt:
        print("\ninterrupted", flush=True)
    finally:
        stage.close(keep=chosen.keep or interrupted or any(tally.failed for *_, tally in results))
        if results:
            failed = summary(results)
    sys.exit(130 if interrupted else 1 if failed else 0)


main()
