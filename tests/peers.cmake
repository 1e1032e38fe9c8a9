# The suites that run the executable beside other programs: each Python file is one test with its own time budget.
# Debian's own interpreter is named, since another python3 that comes first in PATH lacks Debian's dnspython.
# peer_suite(FILE LABEL label TIMEOUT seconds)
function(peer_suite file)
  cmake_parse_arguments(ARG "" "LABEL;TIMEOUT" "" ${ARGN})
  get_filename_component(name ${file} NAME_WE)
  add_test(NAME ${ARG_LABEL}.${name} COMMAND /usr/bin/python3 -B ${CMAKE_CURRENT_SOURCE_DIR}/${file})
  set_tests_properties(${ARG_LABEL}.${name} PROPERTIES LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT}
    ENVIRONMENT UNDERSTUDY_BINARY=$<TARGET_FILE:understudy>)
endfunction()

peer_suite(interop/basics.py LABEL interop TIMEOUT 300)
peer_suite(interop/tls.py LABEL interop TIMEOUT 300)
peer_suite(interop/tsig.py LABEL interop TIMEOUT 900)
peer_suite(interop/xot.py LABEL interop TIMEOUT 600)
peer_suite(interop/refusals.py LABEL interop TIMEOUT 300)
peer_suite(interop/past_bugs.py LABEL interop TIMEOUT 300)
peer_suite(interop/primary_nsd.py LABEL interop TIMEOUT 600)
peer_suite(interop/primary_knot.py LABEL interop TIMEOUT 600)
peer_suite(interop/primary_bind.py LABEL interop TIMEOUT 600)
peer_suite(interop/primary_pdns.py LABEL interop TIMEOUT 600)
peer_suite(interop/ixfr.py LABEL interop TIMEOUT 900)
peer_suite(interop/several_primaries.py LABEL interop TIMEOUT 300)
peer_suite(interop/ways_in.py LABEL interop TIMEOUT 300)
peer_suite(interop/add_remove.py LABEL interop TIMEOUT 300)
peer_suite(interop/catalog.py LABEL interop TIMEOUT 600)
peer_suite(interop/outward.py LABEL interop TIMEOUT 600)
peer_suite(interop/reload.py LABEL interop TIMEOUT 300)
peer_suite(interop/reload_credentials.py LABEL interop TIMEOUT 300)
peer_suite(interop/root_zone.py LABEL interop TIMEOUT 600)
peer_suite(interop/versions.py LABEL interop TIMEOUT 600)
peer_suite(interop/validated.py LABEL interop TIMEOUT 600)
peer_suite(interop/restart_and_kill.py LABEL interop TIMEOUT 900)
peer_suite(interop/failpoints.py LABEL interop TIMEOUT 900)
peer_suite(interop/gate.py LABEL interop TIMEOUT 900)
peer_suite(interop/gate_signatures.py LABEL interop TIMEOUT 600)
peer_suite(interop/differential.py LABEL interop TIMEOUT 900)
peer_suite(interop/compare.py LABEL interop TIMEOUT 900)

# Faults of the disk: a library that is loaded before the executable stands between it and the mirror.
add_library(disk MODULE ${CMAKE_CURRENT_SOURCE_DIR}/fault/preload/disk.cpp)
target_link_libraries(disk PRIVATE ${CMAKE_DL_LIBS})
foreach(fault power_loss full_disk)
  peer_suite(fault/${fault}.py LABEL fault TIMEOUT 600)
  set_property(TEST fault.${fault} APPEND PROPERTY ENVIRONMENT UNDERSTUDY_DISK=$<TARGET_FILE:disk>)
endforeach()
# And a wall clock that can be set.
add_library(clock MODULE ${CMAKE_CURRENT_SOURCE_DIR}/fault/preload/clock.cpp)
target_link_libraries(clock PRIVATE ${CMAKE_DL_LIBS})
peer_suite(fault/clock_jump.py LABEL fault TIMEOUT 300)
set_property(TEST fault.clock_jump APPEND PROPERTY ENVIRONMENT UNDERSTUDY_CLOCK=$<TARGET_FILE:clock>)
peer_suite(fault/foreign_mirror.py LABEL fault TIMEOUT 300)
peer_suite(fault/primaries.py LABEL fault TIMEOUT 600)

peer_suite(soak/soak.py LABEL soak TIMEOUT 600)

peer_suite(alarms/check.py LABEL alarms TIMEOUT 300)
peer_suite(alarms/live.py LABEL alarms TIMEOUT 900)

peer_suite(page/page.py LABEL page TIMEOUT 300)

# Pages that are made: is what the repository has current?
add_test(NAME docs.conformance COMMAND /usr/bin/python3 -B ${CMAKE_CURRENT_SOURCE_DIR}/conformance.py --check)
set_tests_properties(docs.conformance PROPERTIES LABELS docs TIMEOUT 60)
