#include "app/find_server.h"

#include <CLI/CLI.hpp>
#include <filesystem>

namespace understudy::app {
namespace {

Result<Config> usable_config(const std::string& file) {
  if (file.empty()) return default_config();
  LoadedConfig loaded = load_config(file);
  if (loaded.problems.empty()) return std::move(loaded.config);
  return Error{"configuration",
               loaded.problems.front() + (loaded.problems.size() == 1
                                              ? std::string()
                                              : " (and more: see `understudy check-config " + file + "`)")};
}

}  // namespace

void Whereabouts::add_socket_options(CLI::App& verb) {
  verb.add_option("--control", control, "the running server's socket")->type_name("SOCKET");
  add_mirror_options(verb);
}

void Whereabouts::add_mirror_options(CLI::App& verb) {
  verb.add_option("--config", config, "the configuration that the server runs with")->type_name("FILE");
  verb.add_option("--data", data, "the server's data directory")->type_name("DIR");
}

Result<std::string> Whereabouts::socket() const {
  if (!control.empty()) return control;
  if (!data.empty()) return data + "/control.sock";
  auto loaded = usable_config(config);
  if (!loaded) return loaded.error();
  return loaded->control;
}

Result<std::string> Whereabouts::data_directory() const {
  if (!data.empty()) return data;
  auto loaded = usable_config(config);
  if (!loaded) return loaded.error();
  return loaded->data;
}

Result<std::optional<Config>> Whereabouts::configuration() const {
  const std::string file = config.empty() ? std::string(default_config_file) : config;
  if (config.empty() && !std::filesystem::exists(file)) return std::optional<Config>();
  auto loaded = usable_config(file);
  if (!loaded) return loaded.error();
  return std::optional<Config>(std::move(*loaded));
}

Result<audit::Expectations> Whereabouts::expectations() const {
  if (config.empty() && !(control.empty() && data.empty())) return audit::Expectations();
  auto loaded = configuration();
  if (!loaded) return loaded.error();
  return *loaded ? std::move((*loaded)->expectations) : audit::Expectations();
}

Result<net::Trust> Whereabouts::trust_of(const sync::AxfrSource& source) const {
  net::Trust trust;
  if (!source.key && !source.tls) return trust;
  auto found = configuration();
  if (!found) return found.error();
  const bool there = found->has_value();
  const Config loaded = there ? std::move(**found) : default_config();
  if (source.key) {
    trust.key = loaded.keys.find(*source.key);
    if (!trust.key) {
      const std::string file = config.empty() ? std::string(default_config_file) : config;
      return Error{"key-unknown", (there ? file + " has no" : "there is no configuration (--config) with a") +
                                      " [[key]] named " + dns::to_string(*source.key)};
    }
  }
  if (source.tls) {
    auto client = net::TlsClient::make(loaded.streams.as_client());
    if (!client) return client.error();
    trust.tls = net::TlsTrust{std::move(*client), *source.tls};
  }
  return trust;
}

}  // namespace understudy::app
