{
  "targets": [
    {
      "target_name": "clear_df",
      "sources": [
        "csrc/addon.cc",
        "csrc/encap_wrap.cc",
        "csrc/mangler_wrap.cc",
        "csrc/options_wrap.cc",
        "csrc/pour_wrap.cc",
        "csrc/probe_wrap.cc",
        "csrc/rules_wrap.cc",
        "csrc/affinity.c",
        "csrc/answer.c",
        "csrc/batch.c",
        "csrc/binding.c",
        "csrc/clear.c",
        "csrc/coalesce.c",
        "csrc/deck.c",
        "csrc/encap.c",
        "csrc/fault.c",
        "csrc/icmp.c",
        "csrc/identification.c",
        "csrc/ipv4.c",
        "csrc/loop.c",
        "csrc/loss.c",
        "csrc/mangler.c",
        "csrc/message.c",
        "csrc/pour.c",
        "csrc/probe.c",
        "csrc/queue.c",
        "csrc/raw.c",
        "csrc/setting.c",
        "csrc/shedding.c",
        "csrc/transport.c",
        "csrc/worker.c"
      ],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=8", "NODE_ADDON_API_DISABLE_DEPRECATED", "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS", "_GNU_SOURCE"],
      "cflags": ["-O3", "-Wall", "-Wextra", "-fvisibility=hidden", "-fstack-protector-strong"],
      "cflags_c": ["-std=c11", "-Wshadow", "-Wstrict-prototypes", "-Wmissing-prototypes"],
      "cflags_cc!": ["-fno-exceptions"],
      "cflags_cc": ["-fexceptions", "-std=c++17"],
      "libraries": ["<!@(pkg-config --libs libnetfilter_queue libmnl)"],
      "ldflags": ["-Wl,-z,relro,-z,now"]
    }
  ]
}
