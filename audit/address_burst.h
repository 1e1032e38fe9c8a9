// Asks one address everything that a pass wants to know, many questions under way and many in one system
// call: for a single comparison of a zone, which somebody waits for.
//
// One thread, that of the single comparison, which owns it. Plain sockets that never block. Bounded by `room`
// questions under way; fewer where the address, or the way to it, loses some.
#pragma once

#include <boost/asio/io_context.hpp>
#include <deque>

#include "audit/own_answers.h"
#include "audit/pacer.h"
#include "audit/zone_pass.h"
#include "server/socket.h"

namespace understudy::audit {

// What the bursts of one comparison share; outlives them.
struct BurstContext {
  const Clock& clock;
  OwnAnswers& own;
  backend::Reader& reader;                  // of the walks
  boost::asio::io_context& streams;         // runs what is asked over TCP, since it was truncated over UDP
  double queries_per_second = 50;           // to one address
  std::chrono::milliseconds timeout{1000};  // of one try
};

class AddressBurst {
 public:
  static constexpr std::size_t room = 192;
  static constexpr unsigned tries = 3;
  static constexpr std::chrono::seconds serial_period{30};
  // The address is given up after so many questions in a row to which it was silent, or said nothing of the
  // zone (REFUSED, where it does not have it).
  static constexpr unsigned patience = 12;

  AddressBurst(BurstContext& context, std::shared_ptr<ZonePass> pass);
  AddressBurst(const AddressBurst&) = delete;
  AddressBurst& operator=(const AddressBurst&) = delete;

  // Errors: there is no socket to be had, or no route for this address.
  Result<> open();
  int fd() const { return socket_.fd(); }
  // Sends whatever may be asked now. Errors: the mirror cannot be read.
  Result<> send();
  // Takes whatever came, and gives up waiting for what is late.
  void receive();
  void expire();
  // When there is something to do though nothing came.
  SteadyTime due() const;
  bool streaming() const { return streams_ > 0; }
  bool finished() const { return pass_->finished(); }

 private:
  static constexpr std::size_t receive_room = 4096;  // more than is announced: some servers send more
  static constexpr std::uint16_t nobody = 0xffff;

  struct Slot {
    std::optional<Ask> ask;  // none: it asks for the serial
    std::vector<std::uint8_t> query;
    unsigned tries = 0;
    std::uint32_t ticket = 0;  // of the try under way; 0: the slot is free or waits for a stream
  };
  struct Sent {
    std::uint16_t slot;
    std::uint32_t ticket;
    SteadyTime until;
  };

  Instant now() const { return {context_.clock.steady(), context_.clock.wall()}; }
  dns::NameView apex() const { return pass_->apex(); }
  bool may_start(SteadyTime now) const;
  void ask_serial();
  void start(std::optional<Ask> ask);
  void prepare(std::uint16_t slot);
  void flush();
  void arrived(dns::Octets response, OwnAnswers::Batch& own);
  void heard(Slot& slot, dns::Octets response, OwnAnswers::Batch& own);
  void settle(const Ask& ask, dns::Octets query, dns::Octets theirs, OwnAnswers::Batch& own);
  void unanswered(std::uint16_t slot, std::string why);
  void heard_serial(const NormalAnswer& answer);
  void note(const NormalAnswer& answer);
  void ask_over_stream(std::uint16_t slot);
  void free_slot(std::uint16_t slot);

  BurstContext& context_;
  const std::shared_ptr<ZonePass> pass_;
  server::Socket socket_;
  Pacer pacer_;
  std::vector<Slot> slots_;
  std::vector<std::uint16_t> free_;
  std::vector<std::uint16_t> slot_of_id_;  // all IDs
  std::deque<Sent> sent_;                  // in order of `until`
  std::vector<std::uint16_t> to_send_;
  std::deque<Ask> for_serial_, ready_;  // second questions that wait for the serial, and may go now
  std::vector<std::array<std::uint8_t, receive_room>> buffers_;
  double window_ = 16;
  std::uint32_t last_ticket_ = 0;
  std::size_t streams_ = 0;
  unsigned useless_in_a_row_ = 0;
  bool asking_serial_ = false, serial_told_ = false;
  SteadyTime serial_due_{};
};

}  // namespace understudy::audit
