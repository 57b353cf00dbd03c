// Part of FlashSim for RDataFrame.
#include "FlashSim/flow/detail/OnnxFile.hxx"

#include "FlashSim/flow/detail/Protobuf.hxx"

#include <charconv>
#include <cstring>
#include <map>
#include <stdexcept>

// The numbers of fields are those of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), where a
// number never changes its meaning.

namespace FlashSim {
namespace {

using Field = ProtobufField;

/// Graphs inside graphs; protobuf itself gives up at 100 messages inside one another.
constexpr int kDeepestGraph = 20;

/// Constants of one int64 or bool, by name; those of the graphs around come before the graph's own.
using Numbers = std::map<std::string, std::int64_t>;

struct Node {
   OnnxNode fNode;
   std::string_view fOutput; ///< the first one
   std::vector<std::string_view> fGraphs;
   std::optional<std::int64_t> fConstant; ///< of a node `Constant`
};

template <typename T>
bool ParseNumber(std::string_view text, T &number)
{
   const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
   return error == std::errc() && end == text.data() + text.size();
}

class Parser {
public:
   explicit Parser(OnnxFile &file) : fFile(file) {}

   void ReadModel(std::string_view bytes)
   {
      Field field;
      bool hasGraph = false;
      for (ProtobufReader reader(bytes); reader.Next(field);) {
         if (field.IsBytes(7)) {
            hasGraph = true;
            ReadGraph(field.fBytes, {}, 1);
         } else if (field.IsBytes(14)) {
            fFile.fMetadata.push_back(ReadEntry(field.fBytes));
         } else if (field.IsBytes(25)) {
            ReadNodes(field.fBytes, 7, {}, 1);
         }
      }
      if (!hasGraph)
         throw std::runtime_error("it has no graph");
   }

private:
   static std::pair<std::string, std::string> ReadEntry(std::string_view bytes)
   {
      std::pair<std::string, std::string> entry;
      Field field;
      for (ProtobufReader reader(bytes); reader.Next(field);) {
         if (field.IsBytes(1))
            entry.first = field.fBytes;
         else if (field.IsBytes(2))
            entry.second = field.fBytes;
      }
      return entry;
   }

   void ReadGraph(std::string_view bytes, Numbers numbers, int depth)
   {
      Field field;
      for (ProtobufReader reader(bytes); reader.Next(field);) {
         if (field.IsBytes(5)) {
            std::string name;
            if (const auto number = ReadTensor(field.fBytes, &name))
               numbers[name] = *number;
         } else if (field.IsBytes(15)) {
            ReadSparseTensor(field.fBytes);
         }
      }
      ReadNodes(bytes, 1, std::move(numbers), depth);
   }

   /// Nodes in the field `number` of a graph or function.
   void ReadNodes(std::string_view bytes, std::uint32_t number, Numbers numbers, int depth)
   {
      if (depth > kDeepestGraph)
         throw std::runtime_error("its graphs lie too deep inside one another");
      std::vector<Node> nodes;
      Field field;
      for (ProtobufReader reader(bytes); reader.Next(field);) {
         if (!field.IsBytes(number))
            continue;
         nodes.push_back(ReadNode(field.fBytes));
         if (nodes.back().fConstant)
            numbers[std::string(nodes.back().fOutput)] = *nodes.back().fConstant;
      }
      for (auto &node : nodes) {
         for (const auto &input : node.fNode.fInputs) {
            const auto found = numbers.find(input);
            node.fNode.fNumbers.push_back(found == numbers.end() ? std::nullopt : std::optional(found->second));
         }
         fFile.fNodes.push_back(std::move(node.fNode));
         for (const auto graph : node.fGraphs)
            ReadGraph(graph, numbers, depth + 1);
      }
   }

   Node ReadNode(std::string_view bytes)
   {
      Node node;
      Field field;
      for (ProtobufReader reader(bytes); reader.Next(field);) {
         if (field.IsBytes(1))
            node.fNode.fInputs.emplace_back(field.fBytes);
         else if (field.IsBytes(2) && node.fOutput.empty())
            node.fOutput = field.fBytes;
         else if (field.IsBytes(3))
            node.fNode.fName = field.fBytes;
         else if (field.IsBytes(4))
            node.fNode.fType = field.fBytes;
         else if (field.IsBytes(7))
            node.fNode.fDomain = field.fBytes;
         else if (field.IsBytes(5))
            ReadAttribute(field.fBytes, node);
      }
      if (node.fNode.fDomain == "ai.onnx")
         node.fNode.fDomain.clear();
      if (node.fNode.fType != "Constant")
         node.fConstant.reset();
      return node;
   }

   void ReadAttribute(std::string_view bytes, Node &node)
   {
      Field field;
      for (ProtobufReader reader(bytes); reader.Next(field);) {
         if (field.IsVarint(3))
            node.fConstant = static_cast<std::int64_t>(field.fInteger);
         else if (field.IsBytes(5))
            node.fConstant = ReadTensor(field.fBytes);
         else if (field.IsBytes(10))
            ReadTensor(field.fBytes);
         else if (field.IsBytes(6) || field.IsBytes(11))
            node.fGraphs.push_back(field.fBytes);
         else if (field.IsBytes(22) || field.IsBytes(23))
            ReadSparseTensor(field.fBytes);
      }
   }

   void ReadSparseTensor(std::string_view bytes)
   {
      Field field;
      for (ProtobufReader reader(bytes); reader.Next(field);) {
         if (field.IsBytes(1) || field.IsBytes(2))
            ReadTensor(field.fBytes);
      }
   }

   /// Records the place of its values; returns the value if it is one int64 or bool.
   std::optional<std::int64_t> ReadTensor(std::string_view bytes, std::string *name = nullptr)
   {
      constexpr std::uint64_t kInt64 = 7, kBool = 9;
      ExternalTensor external;
      std::vector<std::pair<std::string, std::string>> entries;
      std::vector<std::int64_t> values;
      std::string_view raw;
      std::uint64_t type = 0;
      bool isExternal = false;
      Field field;
      for (ProtobufReader reader(bytes); reader.Next(field);) {
         if (field.IsVarint(2)) {
            type = field.fInteger;
         } else if (field.IsVarint(5) || field.IsVarint(7)) {
            values.push_back(static_cast<std::int64_t>(field.fInteger));
         } else if (field.IsBytes(5) || field.IsBytes(7)) {
            constexpr std::size_t kLongestNumber = 10;
            if (field.fBytes.size() <= kLongestNumber) {
               for (ProtobufReader packed(field.fBytes); !packed.IsAtEnd();)
                  values.push_back(static_cast<std::int64_t>(packed.ReadVarint()));
            }
         } else if (field.IsBytes(8)) {
            external.fName = field.fBytes;
         } else if (field.IsBytes(9)) {
            raw = field.fBytes;
         } else if (field.IsBytes(13)) {
            entries.push_back(ReadEntry(field.fBytes));
         } else if (field.IsVarint(14)) {
            isExternal = field.fInteger == 1;
         }
      }
      if (name != nullptr)
         *name = external.fName;
      if (isExternal) {
         AddExternalTensor(std::move(external), entries);
         return std::nullopt;
      }
      if (type == kInt64 && raw.size() == sizeof(std::int64_t)) {
         std::int64_t value = 0;
         std::memcpy(&value, raw.data(), sizeof(value));
         return value;
      }
      if (type == kBool && raw.size() == 1)
         return raw[0] != 0;
      if ((type == kInt64 || type == kBool) && raw.empty() && values.size() == 1)
         return values[0];
      return std::nullopt;
   }

   void AddExternalTensor(ExternalTensor tensor, const std::vector<std::pair<std::string, std::string>> &entries)
   {
      for (const auto &[key, value] : entries) {
         bool isValid = true;
         if (key == "location") {
            tensor.fLocation = value;
         } else if (key == "offset") {
            isValid = ParseNumber(value, tensor.fOffset);
         } else if (key == "length") {
            std::uint64_t length = 0;
            isValid = ParseNumber(value, length);
            tensor.fLength = length;
         }
         if (!isValid)
            throw std::runtime_error("tensor '" + tensor.fName + "' has external data of " + key + " '" + value + "'");
      }
      fFile.fExternalTensors.push_back(std::move(tensor));
   }

   OnnxFile &fFile;
};

} // namespace

OnnxFile OnnxFile::Parse(std::string_view model)
{
   OnnxFile file;
   Parser(file).ReadModel(model);
   return file;
}

} // namespace FlashSim
