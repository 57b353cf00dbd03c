// Part of FlashSim for RDataFrame.
#include "FlashSim/FlowContract.hxx"

#include "FlashSim/flow/detail/FieldReader.hxx"

#include <algorithm>
#include <initializer_list>
#include <set>
#include <stdexcept>
#include <tuple>
#include <utility>

namespace FlashSim {
namespace {

using Json = FieldReader::Json;

/// In the order of EModelKind and EModelLevel.
constexpr std::initializer_list<const char *> kKindNames{"flow", "efficiency", "multiplicity"};
constexpr std::initializer_list<const char *> kLevelNames{"object", "event"};

/// Of noise_dimension and default_steps.
constexpr int kLargestNumber = 1000000;

/// Largest number of objects of an event: their indices are Short_t, as in NanoAOD.
constexpr int kMostObjects = 32767;

std::pair<double, double> ReadRange(const FieldReader &reader)
{
   const Json &range = reader.Get("range");
   if (!range.is_array() || range.size() != 2 || !range[0].is_number() || !range[1].is_number() ||
       !(range[0].get<double>() <= range[1].get<double>()))
      reader.Fail("range", "must be [smallest, largest], but is " + FieldReader::Shorten(range));
   return {range[0].get<double>(), range[1].get<double>()};
}

std::vector<FlowVariable> ReadVariables(const FieldReader &document, const std::string &field, const std::string &path)
{
   const Json &list = document.Get(field);
   if (!list.is_array() || list.empty())
      document.Fail(field, "must be a non-empty array of variables");
   std::vector<FlowVariable> variables;
   std::set<std::string> names;
   for (std::size_t i = 0; i < list.size(); ++i) {
      const FieldReader reader(list[i], field + "[" + std::to_string(i) + "]", path);
      reader.CheckNames({"name", "unit", "dtype", "range"});
      FlowVariable variable;
      variable.fName = reader.GetColumnName("name");
      if (!names.insert(variable.fName).second)
         reader.Fail("name", "repeats '" + variable.fName + "'");
      variable.fUnit = reader.GetString("unit");
      const std::string type = reader.GetString("dtype");
      const auto known = FindValueType(type);
      if (!known)
         reader.Fail("dtype", "must be one of " + ListValueTypes() + ", but is '" + type + "'");
      variable.fType = *known;
      std::tie(variable.fMin, variable.fMax) = ReadRange(reader);
      variables.push_back(std::move(variable));
   }
   return variables;
}

/// The digits of the checksum; empty if there is none.
std::string ReadChecksum(const FieldReader &reader)
{
   const std::string field = "checksum", prefix = "sha256:";
   constexpr std::size_t kDigits = 64;
   if (!reader.Has(field))
      return {};
   const auto text = reader.GetString(field);
   const auto digits = text.substr(std::min(prefix.size(), text.size()));
   const auto isDigit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
   if (text.compare(0, prefix.size(), prefix) != 0 || digits.size() != kDigits ||
       !std::all_of(digits.begin(), digits.end(), isDigit))
      reader.Fail(field, "must be 'sha256:' and 64 hexadecimal digits, but is '" + text + "'");
   return digits;
}

/// The graph contains the grid: the field is only checked here.
void CheckGrid(const FieldReader &reader)
{
   if (!reader.Has("grid"))
      return;
   const Json &grid = reader.Get("grid");
   const bool isList = grid.is_array() && grid.size() >= 2 &&
                       std::all_of(grid.begin(), grid.end(), [](const Json &time) { return time.is_number(); });
   const auto descends = [](const Json &a, const Json &b) { return a.get<double>() >= b.get<double>(); };
   if (!isList || grid.front().get<double>() != 0 || grid.back().get<double>() != 1 ||
       std::adjacent_find(grid.begin(), grid.end(), descends) != grid.end())
      reader.Fail("grid", "must be ascending times from 0 to 1, but is " + FieldReader::Shorten(grid));
}

void ReadFlow(FlowContract &contract, const FieldReader &reader, const std::string &path)
{
   contract.fTarget = ReadVariables(reader, "target", path);
   contract.fNoiseDimension = static_cast<std::size_t>(reader.GetInteger("noise_dimension", 1, kLargestNumber));
   contract.fSortBy = reader.GetOptionalString("sort_by").value_or("");
   if (contract.fLevel == EModelLevel::kEvent && !contract.fSortBy.empty())
      reader.Fail("sort_by", "must be empty at the level of events: a row is an event, and there is nothing to sort");
   if (!contract.fSortBy.empty() && contract.FindTarget(contract.fSortBy) == contract.fTarget.size())
      reader.Fail("sort_by", "names '" + contract.fSortBy + "', which is no target");
   contract.fDefaultSteps = reader.GetOptionalInteger("default_steps", 1, kLargestNumber);
   if (contract.fDefaultSteps) {
      contract.fSolver = reader.GetString("solver");
      CheckGrid(reader);
      return;
   }
   for (const char *field : {"solver", "grid"})
      reader.CheckIsAbsent(field, "needs the field 'default_steps'");
}

void CheckGivesProbabilities(const FieldReader &reader, const std::string &kind)
{
   for (const char *field : {"target", "sort_by", "default_steps", "solver", "grid"})
      reader.CheckIsAbsent(field, "is for flows; this is of the kind '" + kind + "', which samples no targets");
   if (reader.Has("noise_dimension"))
      reader.GetInteger("noise_dimension", 0, 0);
}

/// \throws std::runtime_error if the text is not JSON, or nested so deeply that the stack would overflow later on
Json Parse(const std::string &json, const std::string &path)
{
   constexpr int kDeepest = 32;
   bool isTooDeep = false;
   const auto dropDeepValues = [&isTooDeep](int depth, Json::parse_event_t, Json &) {
      isTooDeep = isTooDeep || depth > kDeepest;
      return depth <= kDeepest;
   };
   Json document = Json::parse(json, dropDeepValues, false);
   if (document.is_discarded() || isTooDeep) {
      throw std::runtime_error("FlashSim: model '" + path + "': the metadata under the key 'flashsim' are " +
                               (isTooDeep ? "nested more than 32 levels deep." : "not valid JSON."));
   }
   return document;
}

void CheckSchema(const FieldReader &reader)
{
   constexpr int kNewest = 2, kLargest = 1000000;
   const int schema = reader.GetInteger("schema", 1, kLargest);
   if (schema > kNewest) {
      reader.Fail("schema", "is " + std::to_string(schema) + ", but this version of FlashSim reads schema 1 and " +
                                std::to_string(kNewest) + "; a newer one may read it");
   }
   if (schema == 1) {
      for (const char *field : {"kind", "level", "maximum"})
         reader.CheckIsAbsent(field, "is of schema 2, but 'schema' is 1");
   }
}

} // namespace

std::string FlowContract::GetKindName() const
{
   return kKindNames.begin()[static_cast<std::size_t>(fKind)];
}

std::size_t FlowContract::FindTarget(const std::string &name) const
{
   const auto found =
       std::find_if(fTarget.begin(), fTarget.end(), [&name](const auto &variable) { return variable.fName == name; });
   return static_cast<std::size_t>(found - fTarget.begin());
}

std::string FlowContract::GetContextColumn(const std::string &variable) const
{
   return fSource.empty() ? variable : fSource + "_" + variable;
}

FlowContract FlowContract::FromJson(const std::string &json, const std::string &path)
{
   if (json.empty()) {
      throw std::runtime_error("FlashSim: model '" + path +
                               "' has no metadata under the key 'flashsim' (see flow.schema.json): it was not exported "
                               "for FlashSim.");
   }
   const Json document = Parse(json, path);
   const FieldReader reader(document, "", path);
   CheckSchema(reader);
   reader.CheckNames({"schema", "kind", "level", "name", "collection", "source", "sort_by", "noise_dimension",
                      "maximum", "context", "target", "default_steps", "solver", "grid", "checksum", "training"});
   FlowContract contract;
   contract.fMetadata = json;
   if (reader.Has("kind"))
      contract.fKind = static_cast<EModelKind>(reader.GetChoice("kind", kKindNames));
   if (reader.Has("level"))
      contract.fLevel = static_cast<EModelLevel>(reader.GetChoice("level", kLevelNames));
   contract.fName = reader.GetString("name");
   if (contract.fName.empty())
      reader.Fail("name", "must not be empty");
   contract.fCollection = reader.GetColumnName("collection");
   if (contract.fLevel == EModelLevel::kObject || reader.Has("source"))
      contract.fSource = reader.GetColumnName("source");
   contract.fContext = ReadVariables(reader, "context", path);
   if (contract.fKind == EModelKind::kFlow)
      ReadFlow(contract, reader, path);
   else
      CheckGivesProbabilities(reader, contract.GetKindName());
   if (contract.fKind == EModelKind::kMultiplicity)
      contract.fMaximum = static_cast<std::size_t>(reader.GetInteger("maximum", 1, kMostObjects));
   else
      reader.CheckIsAbsent("maximum", "is for the kind 'multiplicity'");
   if (reader.Has("training") && !reader.Get("training").is_object())
      reader.Fail("training", "must be a JSON object, but is " + FieldReader::Shorten(reader.Get("training")));
   contract.fChecksum = ReadChecksum(reader);
   return contract;
}

} // namespace FlashSim
